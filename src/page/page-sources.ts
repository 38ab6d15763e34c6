import type { JournalSection } from '../journal/open-admin.ts';

/** How a tracer of the service stands. */
export interface TracerStanding {
  readonly pending: number;
  readonly circuit: string;
  readonly retrying: number;
  readonly deadLetters: number;
  /** Seconds. */
  readonly oldestAge: number;
  readonly ok: number;
  readonly retried: number;
  readonly dead: number;
  readonly dropped: number;
  readonly skipped: number;
}

/** What a page is handed by the service that it shows. */
export interface PageSources {
  readonly service: string;
  readonly journal: JournalSection;
  /** By the tracers' names; none while the service is starting. */
  readonly tracers: () => Readonly<Record<string, TracerStanding>>;
  /** What somebody should look at, in sentences. */
  readonly troubles: () => readonly string[];
  /** Where a trace can be seen; undefined where nobody has said so. */
  readonly traceUrl: ((traceId: string) => string | undefined) | undefined;
}
