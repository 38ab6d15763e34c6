import type { MirrorPlace } from '../mirror/place.ts';
import type { Signer } from '../proof/note.ts';
import type { WitnessOptions } from '../witness/witnessing.ts';

/** What is needed to open a ledger. */
export interface LedgerSettings {
  /** An existing directory, used by one process at a time. */
  readonly directory: string;
  readonly signer: Signer;
  /** Its private key's file, where that was chosen: a key that comes after it must be in the same folder. */
  readonly keyFile?: string | undefined;
  readonly checkpoint: {
    /** A checkpoint is due after this many records … */
    readonly every: number;
    /** … and after this many milliseconds. */
    readonly interval: number;
    /** Milliseconds without any record after which the ledger records that it is alive. Absent: never. */
    readonly heartbeat?: number;
  };
  /** How long records are kept: as written in the records, and in milliseconds. */
  readonly retention: { readonly policy: string; readonly period: number };
  /** A file to which every checkpoint is also appended. */
  readonly anchor?: string | undefined;
  /** Who is to cosign its checkpoints. */
  readonly witnessing?: WitnessOptions | undefined;
  /** Where a second copy is kept. */
  readonly mirror?: MirrorPlace | undefined;
  /** Bytes after which a new segment begins. */
  readonly segmentBytes?: number;
  /** Receives what an operator should know; the text contains no content. */
  readonly notice: (about: string, text: string) => void;
}
