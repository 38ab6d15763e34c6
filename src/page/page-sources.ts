import type { JournalSection } from '../journal/open-admin.ts';
import type { LedgerStanding } from '../ledger/index.ts';

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
  /** Seconds that attempts have taken, all together. */
  readonly took: number;
}

/** A ledger that the configuration names. */
export interface ShownLedger {
  /** The tracer that keeps it. */
  readonly tracer: string;
  readonly directory: string;
  /** Undefined where it is not open in this process. */
  readonly standing: LedgerStanding | undefined;
}

/** What somebody did on the page, for the ledgers to record. */
export type PageDeed =
  | {
      readonly event: 'events_replayed' | 'events_requeued' | 'events_skipped';
      readonly tracer: string;
      readonly events: number;
      readonly event_ids?: string[];
      readonly vcon_uuid?: string;
    }
  | { readonly event: 'vcon_proved'; readonly vcon_uuid: string; readonly with_content_key: false };

/** What a page is handed by the service that it shows. */
export interface PageSources {
  readonly service: string;
  readonly journal: JournalSection;
  /** Whether somebody may have tracers hear events again, or never. */
  readonly actions: boolean;
  /** By the tracers' names; none while the service is starting. */
  readonly tracers: () => Readonly<Record<string, TracerStanding>>;
  /** What somebody should look at, in sentences. */
  readonly troubles: () => readonly string[];
  readonly ledgers: () => Promise<readonly ShownLedger[]>;
  /**
   * Has a deed recorded as those of commands are.
   * @param actor who did it, as they say
   * @param ledgers the directories of the ledgers that are to know; absent: of all
   * @returns what could not be recorded, in sentences
   */
  readonly record: (deed: PageDeed, actor: string, ledgers?: readonly string[]) => Promise<readonly string[]>;
  /** Whether somebody may call themselves so. */
  readonly isActor: (name: string) => boolean;
  /** Where a trace can be seen, by the names of these places. */
  readonly traceUrls: (traceId: string) => readonly TraceUrl[];
}

/** Where a trace can be seen. */
export interface TraceUrl {
  readonly name: string;
  readonly url: string;
}
