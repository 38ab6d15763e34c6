import type { KeyRotation } from '../keys/key-rotation.ts';
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

/** What is known of the vCons' keys. */
export interface KeyFindings {
  /** Records that say which key their content was hashed with. */
  readonly committed: number;
  /** Records with a keyed hash that do not, as those of 0.1: nothing shows whether their key is still the one. */
  readonly uncommitted: number;
  /** Keys that a command has destroyed, which the ledger has yet to record. */
  readonly pending: number;
  /** vCons whose key was lost when the ledger was brought back from its mirror. */
  readonly lost: number;
}

/**
 * What a ledger is found to be.
 * - `torn`: a crash left an unfinished record, and everything else is as it was
 * - `tampered`: a record, tile or checkpoint is not what was written
 * - `unknown_key`: a checkpoint has no signature of a given key
 * - `bad_signature`: the signature of a given key does not verify
 * - `rolled_back`: it has not grown from a checkpoint that was kept elsewhere
 * - `key_lost`: the key that a vCon's content was hashed with is not there, or another, and no record says that it was destroyed
 * - `deleted_early`: records were deleted before they were as old as they say themselves, without an order
 * - `unsigned`: nothing is signed, although there are a key or checkpoints to check it against
 */
export type LedgerState =
  | 'intact'
  | 'torn'
  | 'tampered'
  | 'unknown_key'
  | 'bad_signature'
  | 'rolled_back'
  | 'key_lost'
  | 'deleted_early'
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
  /** The changes of the key that signs, each signed by the one before it. */
  readonly keyChanges: readonly KeyRotation[];
  /** Deletions of which nothing shows that the records were old enough: 0.1 did not say. */
  readonly unprovenDeletions: number;
  /** What commands have left word of for more than an hour, which the ledger has yet to record. */
  readonly lateRequests: number;
  /** Absent where keys were not looked at. */
  readonly keys?: KeyFindings;
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
