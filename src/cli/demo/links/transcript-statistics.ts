import type { Link } from '../../../model/chain.ts';
import { countWords } from '../count-words.ts';
import { openDocument, saveDocument, withAnalysis } from '../document.ts';
import { type Turn, turnsOf } from '../turns.ts';

/** Adds an analysis `statistics`: words, turns and each party's share of them. */
export const transcriptStatistics: Link = {
  name: 'transcript_statistics',
  async run(vconUuid, step) {
    const document = await openDocument(vconUuid, step);
    const turns = turnsOf(document.vcon);
    const vcon = withAnalysis(document.vcon, 'statistics', {
      dialog: [...new Set(turns.map(({ dialog }) => dialog))],
      encoding: 'json',
      body: statisticsOf(turns),
    });
    return saveDocument(vconUuid, { ...document, vcon }, step);
  },
};

function statisticsOf(turns: readonly Turn[]) {
  const parties = new Map<number | undefined, { turns: number; words: number }>();
  let words = 0;
  let longestTurn = 0;
  for (const { party, text } of turns) {
    const count = countWords(text);
    words += count;
    longestTurn = Math.max(longestTurn, count);
    const sofar = parties.get(party) ?? { turns: 0, words: 0 };
    parties.set(party, { turns: sofar.turns + 1, words: sofar.words + count });
  }
  return {
    turns: turns.length,
    words,
    longest_turn: longestTurn,
    parties: [...parties].map(([party, said]) => ({
      party: party ?? null,
      ...said,
      share: words === 0 ? 0 : Math.round((said.words / words) * 1000) / 1000,
    })),
  };
}
