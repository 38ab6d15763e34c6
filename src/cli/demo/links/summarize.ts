import type { Link } from '../../../model/chain.ts';
import { openDocument, saveDocument, withAnalysis } from '../document.ts';
import { type Turn, turnsOf } from '../turns.ts';

/** Adds an analysis `summary`: the first turn of the conversation and its two longest others, word for word. */
export const summarize: Link = {
  name: 'summarize',
  async run(vconUuid, step) {
    const document = await openDocument(vconUuid, step);
    const telling = tellingTurns(turnsOf(document.vcon));
    if (telling.length === 0) return vconUuid;
    const vcon = withAnalysis(document.vcon, 'summary', {
      dialog: [...new Set(telling.map(({ dialog }) => dialog))],
      mediatype: 'text/plain',
      encoding: 'none',
      body: telling.map(({ text }) => shorten(text)).join('\n'),
    });
    return saveDocument(vconUuid, { ...document, vcon }, step);
  },
};

function tellingTurns(turns: readonly Turn[]): Turn[] {
  const longest = new Set(
    turns
      .slice(1)
      .sort((a, b) => b.text.length - a.text.length)
      .slice(0, 2),
  );
  return turns.filter((turn, index) => index === 0 || longest.has(turn));
}

const MAX_QUOTE = 240;

function shorten(text: string): string {
  // A surrogate pair must not be cut in two, and a long text need not be read as a whole.
  const quote = text
    .slice(0, MAX_QUOTE)
    .replace(/[\uD800-\uDBFF]$/, '')
    .replace(/\s+/g, ' ')
    .trim();
  return text.length > MAX_QUOTE ? `${quote} …` : quote;
}
