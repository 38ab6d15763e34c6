import { VconOtelError } from '../../model/error.ts';
import { readJsonValues } from './trace-file.ts';
import { readSpans, type TraceSpan } from './trace-span.ts';

/** Which runs of a file are wanted. */
export interface TimelineFilter {
  /** At most so many, the most recent ones; 0 means all. */
  readonly limit: number;
  /** Only runs that this vCon entered, left or passed through: its uuid or the beginning of it. */
  readonly vcon?: string;
  /** Only runs of the process that wrote the file's last line. */
  readonly lastProcess?: boolean;
}

/** A run of which at least one span was seen. Times are nanoseconds since the Unix epoch. */
export interface SelectedRun {
  /** Span id of the chain span, which may not be in the file. */
  readonly runId: string;
  readonly traceId: string;
  readonly chain: string;
  /** The uuids that its own spans name. */
  readonly vconUuids: Set<string>;
  /** Of the spans seen: the chain span's own where it is among them. */
  start: bigint;
  end: bigint;
  linkedFrom: readonly string[];
}

/** The outcome of {@link selectRuns}. */
export interface Selection {
  /** By run id. */
  readonly runs: ReadonlyMap<string, SelectedRun>;
  /** There are older runs beyond the limit. */
  readonly older: boolean;
  /** Lines and spans that could not be read. */
  readonly skipped: number;
}

/**
 * Finds the wanted runs of a file without keeping their spans, so that memory follows the limit and not the
 * file. A span belongs to the run whose chain span is its parent.
 * @throws VconOtelError `FILE_UNUSABLE`, or `OPTIONS_INVALID` where the beginning of a uuid fits several.
 */
export async function selectRuns(path: string, filter: TimelineFilter): Promise<Selection> {
  const instance = filter.lastProcess ? await lastInstance(path) : undefined;
  const prefix = filter.vcon?.toLowerCase();
  const fitting = new Set<string>();
  const runs = new Map<string, SelectedRun>();
  let older = false;
  let skipped = 0;
  for await (const value of readJsonValues(path)) {
    const batch = readSpans(value);
    skipped += batch.skipped;
    for (const span of batch.spans) {
      const runId = runIdOf(span);
      if (runId === undefined || (instance && span.instanceId !== instance.id)) continue;
      const fits = prefix === undefined || fitsVcon(span, prefix, fitting);
      const run = runs.get(runId) ?? (fits ? newRun(runId, span) : undefined);
      if (run) runs.set(runId, extend(run, span));
    }
    // More than is asked for, because a run in progress shows a later start than it has until its chain span comes.
    if (filter.limit > 0 && runs.size > 4 * filter.limit + SLACK) {
      keepLatest(runs, 2 * filter.limit);
      older = true;
    }
  }
  if (filter.limit > 0 && runs.size > filter.limit) {
    keepLatest(runs, filter.limit);
    older = true;
  }
  return { runs, older, skipped };
}

const SLACK = 1_000;
/** Of one run; a link may change the uuid, so there can be as many as links. */
const MAX_UUIDS = 100;

/** The last span's instance id, which is undefined for a process that gave none (the Python conserver). */
async function lastInstance(path: string): Promise<{ id: string | undefined }> {
  let id: string | undefined;
  for await (const value of readJsonValues(path)) {
    const last = readSpans(value).spans.at(-1);
    if (last) id = last.instanceId;
  }
  return { id };
}

function runIdOf({ facts, spanId, parentSpanId }: TraceSpan): string | undefined {
  return facts?.stage === 'chain' ? spanId : facts && parentSpanId;
}

function fitsVcon({ facts }: TraceSpan, prefix: string, fitting: Set<string>): boolean {
  let fits = false;
  for (const uuid of [facts?.vconUuid?.toLowerCase(), facts?.outVconUuid?.toLowerCase()])
    if (uuid?.startsWith(prefix)) {
      fits = true;
      fitting.add(uuid);
    }
  if (fitting.size > 1)
    throw new VconOtelError('OPTIONS_INVALID', 'More than one vCon begins like this: give more of its uuid', {
      path: '--vcon',
    });
  return fits;
}

function newRun(runId: string, { traceId, start, end, facts }: TraceSpan): SelectedRun {
  return { runId, traceId, chain: facts?.chain ?? '?', vconUuids: new Set(), start, end, linkedFrom: [] };
}

function extend(run: SelectedRun, { start, end, facts }: TraceSpan): SelectedRun {
  if (start < run.start) run.start = start;
  if (end > run.end) run.end = end;
  for (const uuid of [facts?.vconUuid, facts?.outVconUuid])
    if (uuid && run.vconUuids.size < MAX_UUIDS) run.vconUuids.add(uuid);
  if (facts?.stage === 'chain') run.linkedFrom = facts.queuedBy.map(({ spanId }) => spanId);
  return run;
}

function keepLatest(runs: Map<string, SelectedRun>, count: number): void {
  const byAge = [...runs.values()].sort((a, b) => (a.start < b.start ? 1 : a.start > b.start ? -1 : 0));
  for (const run of byAge.slice(count)) runs.delete(run.runId);
}
