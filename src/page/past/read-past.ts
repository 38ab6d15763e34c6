import type { JournalAdmin, JournalEntry, StoredRun } from '../../journal/admin.ts';
import type { Run } from '../../model/run.ts';
import { runOfEvents } from '../../model/run-of-events.ts';
import { runRow } from '../live/run-row.ts';
import { heardView, runView } from '../run-view.ts';
import type { DeadLetterView, FoundRuns, JournalQuestions } from './questions.ts';
import { isWanted } from './run-search.ts';

/** Runs of a journal that a search looks at, the newest, and how many it finds at most. */
const LOOKED_AT = 5_000;
const FOUND = 200;
const DEAD_LETTERS = 200;

/** Answers every question from a journal. */
export type ReadPast = {
  readonly [Q in keyof JournalQuestions]: (
    journal: JournalAdmin,
    ask: JournalQuestions[Q]['ask'],
  ) => Promise<JournalQuestions[Q]['answer']>;
};

export const readPast: ReadPast = {
  async run(journal, { id }) {
    const { runs } = await journal.runs({ limit: 1, run: id });
    for await (const stored of runs) return runView(runOf(stored), heardOf(stored));
    return undefined;
  },
  async vcon(journal, { uuid }) {
    return found(journal, { vcon: uuid, limit: FOUND }, () => true);
  },
  async search(journal, search) {
    return found(journal, { limit: LOOKED_AT }, (run) => isWanted(run, search));
  },
  async durations(journal, { until }) {
    const durations: Record<string, number[]> = Object.create(null);
    const { runs } = await journal.runs({ limit: LOOKED_AT });
    for await (const stored of runs) {
      const { chain, start, duration, outcome } = runOf(stored);
      if (duration === undefined || outcome === 'unknown' || start >= until) continue;
      durations[chain] ??= [];
      durations[chain].push(duration);
    }
    return durations;
  },
  async places(journal) {
    return Promise.all((await journal.tracers()).map((tracer) => journal.stats(tracer)));
  },
  async dead(journal, { tracer }) {
    const letters: DeadLetterView[] = [];
    for await (const entry of journal.deadLetters(tracer, DEAD_LETTERS)) letters.push(deadLetter(entry));
    return letters.reverse();
  },
};

async function found(
  journal: JournalAdmin,
  filter: { readonly limit: number; readonly vcon?: string },
  isMeant: (run: Run) => boolean,
): Promise<FoundRuns> {
  const { runs, older } = await journal.runs(filter);
  const rows: FoundRuns['runs'][number][] = [];
  for await (const stored of runs) {
    const run = runOf(stored);
    if (isMeant(run)) rows.push(runRow(run));
  }
  return { runs: rows.slice(-FOUND).reverse(), older: older || rows.length > FOUND };
}

function runOf({ events }: StoredRun): Run {
  return runOfEvents(events);
}

/** What was to be heard: not what came when the run was over. */
function heardOf({ deliveries }: StoredRun): JournalEntry[] {
  return deliveries.filter(({ event }) => event.calls !== 'none');
}

function deadLetter(entry: JournalEntry): DeadLetterView {
  const { runId, chain, link, storage, inVconUuid } = entry.event;
  return {
    ...heardView(entry, undefined),
    ...{ run: runId, chain, subject: link ?? storage ?? null, vcon: inVconUuid },
  };
}
