import type { ChainEvent } from '../../../model/event.ts';
import type { JournalEntry, RunFilter, StoredRun } from '../../admin.ts';
import { TracerAnswers } from './entry.ts';
import { consumersOf, type JournalFile } from './journal-file.ts';
import { runsOfVcon, vconBeginning } from './runs-of-vcon.ts';

/** Events of a run that are shown: far more than any real one has. */
const MAX_EVENTS = 10_000;
/** Runs that are read together, since their events are between each other's. */
const TOGETHER = 50;

interface FoundRun {
  readonly runId: string;
  readonly first: number;
  readonly last: number;
}

/**
 * The wanted runs, in the order in which they began, each read when its turn comes.
 * @throws VconOtelError `OPTIONS_INVALID` where the beginning of a uuid fits several
 */
export function storedRuns(
  file: JournalFile,
  { limit, vcon, run: id }: RunFilter,
): { readonly older: boolean; readonly runs: Iterable<StoredRun> } {
  const uuid = vcon === undefined ? undefined : vconBeginning(file, vcon);
  if (vcon !== undefined && uuid === undefined) return { older: false, runs: [] };
  const wanted = uuid === undefined ? undefined : runsOfVcon(file, uuid);
  // One more tells whether there are more.
  const enough = limit === 0 ? Number.POSITIVE_INFINITY : limit + 1;
  const found: FoundRun[] = [];
  for (const run of newestRuns(file, id)) {
    if (found.length >= enough) break;
    if (wanted === undefined || wanted.has(run.runId)) found.push(run);
  }
  const older = found.length > limit && limit > 0;
  return { older, runs: readRuns(file, (older ? found.slice(0, limit) : found).reverse()) };
}

/** Those of which something is left. */
function* newestRuns(
  { db, pages }: JournalFile,
  id: string | undefined,
): Generator<FoundRun, void, undefined> {
  const columns = 'select run_id, first, last from run';
  const runs =
    id === undefined
      ? db.prepare(`${columns} order by run desc`).iterate()
      : db.prepare(`${columns} where run_id = ?`).iterate(id);
  for (const { run_id, first, last } of runs) {
    const run = { first: Number(first), last: last === null ? Number.MAX_SAFE_INTEGER : Number(last) };
    if (pages.ranges(run.first - 1, run.last).length > 0) yield { runId: String(run_id), ...run };
  }
}

function* readRuns(file: JournalFile, runs: readonly FoundRun[]): Generator<StoredRun, void, undefined> {
  for (let from = 0; from < runs.length; from += TOGETHER)
    yield* readTogether(file, runs.slice(from, from + TOGETHER));
}

function* readTogether(file: JournalFile, runs: readonly FoundRun[]): Generator<StoredRun, void, undefined> {
  const tracers = consumersOf(file);
  const found = new Map(
    runs.map(({ runId }) => [
      runId,
      { events: [] as ChainEvent[], heard: tracers.map((): JournalEntry[] => []) },
    ]),
  );
  const after = Math.min(...runs.map(({ first }) => first)) - 1;
  for (const page of file.pages.between(after, Math.max(...runs.map(({ last }) => last)))) {
    const answers = tracers.map((tracer) => new TracerAnswers(file, tracer, page));
    for (let at = 0; at < page.page.count; at += 1) {
      const run = found.get(page.page.runId(at));
      if (!run || run.events.length >= MAX_EVENTS) continue;
      run.events.push(page.page.event(at));
      const seq = page.first + at;
      // Without an answer a tracer has the event still to hear, or it is none of its.
      for (const [index, { position }] of tracers.entries())
        if (answers[index]?.isRecorded(seq) || seq > position) {
          const entry = answers[index]?.entry(page, seq);
          if (entry) run.heard[index]?.push(entry);
        }
    }
  }
  // Removed since it was looked up.
  for (const { events, heard } of found.values())
    if (events.length > 0) yield { events, deliveries: heard.flat() };
}
