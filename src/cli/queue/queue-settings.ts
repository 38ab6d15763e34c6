import type { WithJournal } from '../arguments.ts';

/** What the command needs of the process it runs in. */
export interface QueueSettings {
  /** Gets the requested output and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Gets remarks. */
  readonly stderr: NodeJS.WritableStream;
  /** With the journal named, or that of `serve`. */
  readonly withJournal: WithJournal;
}
