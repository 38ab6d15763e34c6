import type { Completeness } from './completeness.ts';

/** Where something is wrong. */
export interface LedgerFault {
  /** The file below the ledger's directory, and the byte at which the record, checkpoint or tile starts. */
  readonly file: string;
  readonly offset: number;
  /** The first bad record, if it is a record. */
  readonly seq?: number;
  /** A description that quotes nothing. */
  readonly reason: string;
}

/** The verdict. `torn`: a crash left an unfinished record, and everything else is as it was. */
export interface Verdict {
  readonly verdict: 'intact' | 'torn' | 'tampered' | 'unknown_key';
  readonly fault?: LedgerFault;
  readonly origin?: string;
  /** The oldest record kept, and how many there have been since the very first. */
  readonly first: number;
  readonly size: number;
  /** How many records the newest checkpoint covers. */
  readonly signed: number;
  readonly checkpoints: number;
  readonly completeness: Completeness;
}
