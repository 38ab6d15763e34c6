import { buildRuns } from './build-runs.ts';
import { collectSpans } from './collect-spans.ts';
import { selectRuns, type TimelineFilter } from './select-runs.ts';
import type { TimelineRun } from './timeline-run.ts';

/** What a file of spans has to tell. */
export interface Timeline {
  /** In order of start. */
  readonly runs: readonly TimelineRun[];
  /** There are older runs beyond the limit. */
  readonly older: boolean;
  /** Lines and spans that could not be read. */
  readonly skipped: number;
  /** Spans left out because a run has too many. */
  readonly dropped: number;
}

/**
 * Reads the runs of a file of OTLP JSON (one ExportTraceServiceRequest a line; also one document, or an array of
 * them, over several lines). The file is read twice, once to find the runs and once for their spans, so that memory
 * follows what is wanted of it and not its size.
 * @throws VconOtelError `FILE_UNUSABLE`, or `OPTIONS_INVALID` where the beginning of a uuid fits several.
 */
export async function readRuns(path: string, filter: TimelineFilter): Promise<Timeline> {
  const { runs: selected, older, skipped } = await selectRuns(path, filter);
  const { traces, chains, dropped } = await collectSpans(path, selected);
  const isWanted = (runId: string): boolean => selected.has(runId);
  const runs = [...traces.values()].flatMap((spans) => buildRuns(spans, isWanted, chains));
  return { runs: runs.sort((a, b) => a.start - b.start), older, skipped, dropped };
}
