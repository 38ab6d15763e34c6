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

/**
 * What a ledger is found to be.
 * - `torn`: a crash left an unfinished record, and everything else is as it was
 * - `tampered`: a record, tile or checkpoint is not what was written
 * - `unknown_key`: a checkpoint has no signature of a given key
 * - `bad_signature`: the signature of a given key does not verify
 * - `rolled_back`: it has not grown from a checkpoint that was kept elsewhere
 * - `unsigned`: nothing is signed, although there are a key or checkpoints to check it against
 */
export type LedgerState =
  | 'intact'
  | 'torn'
  | 'tampered'
  | 'unknown_key'
  | 'bad_signature'
  | 'rolled_back'
  | 'unsigned';

/** The verdict. */
export interface Verdict {
  readonly verdict: LedgerState;
  readonly fault?: LedgerFault;
  readonly origin?: string;
  /** The oldest record kept, and how many there have been since the very first. */
  readonly first: number;
  readonly size: number;
  /** How many records the newest checkpoint covers. */
  readonly signed: number;
  readonly checkpoints: number;
  /** Records of the largest checkpoint kept elsewhere that it has grown from. */
  readonly agreed?: number;
  readonly completeness: Completeness;
}

/** Ends the reading of a ledger at the first fault. */
export class Found extends Error {
  readonly fault: LedgerFault;
  readonly verdict: LedgerState;

  constructor(fault: LedgerFault, verdict: LedgerState = 'tampered') {
    super(fault.reason);
    this.fault = fault;
    this.verdict = verdict;
  }
}
