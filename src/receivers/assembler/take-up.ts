import type { ReceivedSpan } from '../received-span.ts';
import { decodeEntry, type Entry, type RunHead } from './entry.ts';
import { OpenRun } from './open-run.ts';
import type { Found, Waiting } from './waiting.ts';

/** What a process before this one left, as far as it still has to be found a place. */
export interface TakenUp {
  /** Runs that are not over. */
  readonly runs: readonly OpenRun[];
  /** Spans of which the run was not known. */
  readonly loose: readonly { readonly id: number; readonly spans: readonly ReceivedSpan[] }[];
  /** Entries that nobody can read, or that say nothing new. */
  readonly useless: readonly number[];
}

/**
 * Makes runs again of what was kept of them. Each goes by the id that it went by, whatever else would be concluded today:
 * what was told of it was told under that id.
 */
export function takeUp(found: readonly Found[], waiting: Waiting): TakenUp {
  const now = performance.now();
  const runs = new Map<string, OpenRun>();
  const loose: { id: number; spans: readonly ReceivedSpan[] }[] = [];
  const useless: number[] = [];
  const read = found.map(({ id, runId, body }) => ({ id, runId, entry: decodeEntry(body) }));
  // These say what the others are to be held against.
  for (const { id, entry } of read) {
    if (!entry) useless.push(id);
    else if (entry.kind === 'closed') waiting.closed.add(entry.run, id);
    else if (entry.kind === 'worker') waiting.workers.restore(entry.worker, id, now);
  }
  for (const { id, runId, entry } of read) {
    if (entry?.kind !== 'spans' && entry?.kind !== 'record') continue;
    if (runId === undefined || !entry.run) {
      if (entry.kind === 'spans') loose.push({ id, spans: entry.spans });
      else useless.push(id);
    } else {
      const run = runs.get(runId) ?? runNamed(runId, entry.run);
      runs.set(runId, run);
      run.rootSpanId ??= entry.run.root;
      run.entries.push(id);
      put(run, entry, waiting);
    }
  }
  for (const run of runs.values()) settle(run, waiting, now);
  return { runs: [...runs.values()], loose, useless };
}

function runNamed(id: string, { root, trace, chain }: RunHead): OpenRun {
  return new OpenRun({ id, rootSpanId: root, traceId: trace, chain });
}

function put(run: OpenRun, entry: Extract<Entry, { kind: 'spans' | 'record' }>, waiting: Waiting): void {
  if (entry.kind === 'spans') {
    // Those that were strays have an entry of their own, and a span that came twice was kept once.
    for (const span of entry.spans) if (run.fit(span) === 'fits') run.add(span);
    return;
  }
  const { record } = entry;
  run.records.set(record.index, record);
  const worker = waiting.workers.of(record);
  waiting.workers.isRepeat(worker, record, performance.now());
  worker.runs.add(run);
}

function settle(run: OpenRun, waiting: Waiting, now: number): void {
  const { open } = waiting;
  // Of two that claim one chain span, only records of the one did.
  const other = run.rootSpanId === undefined ? undefined : open.get(run.rootSpanId);
  if (other) open.doubt(run.spans === 0 ? run : other);
  waiting.size += run.spans + run.records.size;
  open.heard(run, now);
  for (const uuid of run.uuids()) open.known(run, uuid);
  for (const { before, after } of run.records.values())
    if (before === undefined || after === undefined) open.known(run, undefined);
}
