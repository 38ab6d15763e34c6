import type { Pulse } from './live/chain-pulse.ts';
import type { RunRow } from './live/run-row.ts';
import type { TracerRow } from './live/tracer-rows.ts';
import type { RunView } from './run-view.ts';

/** How everything stands, told once a second. */
export interface Standing {
  /** Runs under way, and those of them that take longer than is usual. */
  readonly running: number;
  readonly stalled: number;
  readonly chains: readonly Pulse[];
  readonly tracers: readonly TracerRow[];
  /** What somebody should look at, in sentences. */
  readonly troubles: readonly string[];
}

/** The first message of a feed: all there is. */
export interface FeedSnapshot extends Standing {
  /** The name of the service. */
  readonly service: string;
  /** Its time, milliseconds since the Unix epoch. */
  readonly now: number;
  /** Milliseconds of a step of the past of a chain, and how many there are. */
  readonly step: number;
  readonly steps: number;
  /** Those under way, oldest first, and then the last that have ended, newest last. */
  readonly runs: readonly RunRow[];
}

/** What is new since the message before; how everything stands is in each tenth. */
export interface FeedChange extends Partial<Standing> {
  readonly now: number;
  readonly runs: readonly RunRow[];
  /** Ids of runs that are under way no more, of which nothing else is said. */
  readonly gone: readonly string[];
}

/** What has become known of the runs of a vCon. */
export interface VconNews {
  readonly now: number;
  /** As they are now; what tracers heard of them is not told here. */
  readonly runs: readonly RunView[];
}
