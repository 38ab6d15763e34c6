import type { EventLog } from './event-log.ts';
import type { Inbox } from './inbox.ts';

/** Room beside a journal. */
export interface Beside {
  /** A folder that need not be there. */
  readonly folder: string;
  /** Milliseconds. */
  readonly retention: number;
  /** In bytes. */
  readonly maxSize: number;
}

/** An open journal: the event log and the input log, which are written in one order. */
export interface Journal extends EventLog {
  /** Tells it from every other journal, for as long as what is in it is kept. A copy of it has the same. */
  readonly id: string;
  /** Where else, within the same bounds, something may be kept that is to outlive the process; undefined where nothing does. */
  readonly beside: Beside | undefined;
  /** Opens the input log, once in a process. The promise is pending while it cannot be read; it never rejects. */
  openInbox(): Promise<Inbox>;
}
