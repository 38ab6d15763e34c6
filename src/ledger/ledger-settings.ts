import type { Signer } from './note.ts';

/** What a ledger is opened with. */
export interface LedgerSettings {
  /** An existing directory, used by one process at a time. */
  readonly directory: string;
  readonly signer: Signer;
  readonly checkpoint: {
    /** A checkpoint is due after so many records … */
    readonly every: number;
    /** … and after so many milliseconds. */
    readonly interval: number;
  };
  /** How long records are kept: in the words of the records, and in milliseconds. */
  readonly retention: { readonly policy: string; readonly period: number };
  /** A file that gets every checkpoint as well. */
  readonly anchor?: string | undefined;
  /** Bytes after which a new segment is begun. */
  readonly segmentBytes?: number;
  /** Told what an operator should know; the text holds no content. */
  readonly notice: (about: string, text: string) => void;
}
