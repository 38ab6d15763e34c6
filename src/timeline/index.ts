export { readRuns, type Timeline } from './read-runs.ts';
export { runRecord } from './run-record.ts';
export type { RunFilter } from './select-runs.ts';
export { safeJson } from './terminal-text.ts';
export type { LinkedRun, TimelineRun, TimelineStep } from './timeline-run.ts';
export { findTraceFile } from './trace-file.ts';
export { renderRun, type WaterfallSettings } from './waterfall.ts';
