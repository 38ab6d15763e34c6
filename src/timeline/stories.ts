import type { TimelineRun } from './timeline-run.ts';

/** Runs that queued one another, on one scale of time. */
export interface Story {
  /** In order of start. */
  readonly runs: readonly TimelineRun[];
  /** Milliseconds since the Unix epoch: when the first began, and the last ended. */
  readonly start: number;
  readonly end: number;
  /** What entered the first one. */
  readonly vconUuid: string | undefined;
}

/** Puts together the runs that are tied by span links, in order of their start. */
export function storiesOf(runs: readonly TimelineRun[]): Story[] {
  const told = new Map<string, TimelineRun[]>();
  const stories: TimelineRun[][] = [];
  for (const run of [...runs].sort((a, b) => a.start - b.start)) {
    const before = run.linkedFrom.map(({ runId }) => told.get(runId)).find((story) => story !== undefined);
    const story = before ?? [];
    if (!before) stories.push(story);
    story.push(run);
    told.set(run.runId, story);
  }
  return stories.map((story) => ({
    runs: story,
    start: Math.min(...story.map(({ start }) => start)),
    end: Math.max(...story.map(({ start, duration }) => start + duration * 1e3)),
    vconUuid: story[0]?.vconUuid,
  }));
}
