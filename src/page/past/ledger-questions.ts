import type { KeyState, LedgerState, ProofBundle } from '../../ledger/index.ts';

/** What can be asked of the files of a ledger, and what is answered. */
export interface LedgerQuestions {
  records: { readonly ask: VconInLedger; readonly answer: ProvedRecords };
  verdict: { readonly ask: { readonly directory: string }; readonly answer: FoundVerdict };
}

/** A vCon, and the directory of a ledger. */
export interface VconInLedger {
  readonly directory: string;
  readonly uuid: string;
}

/** What a ledger has of a vCon, and what it takes to check that. */
export interface ProvedRecords {
  /** The verifier keys that may have signed the checkpoint, by what is beside the ledger. */
  readonly keys: readonly string[];
  /** What became of the key with which its content is hashed. */
  readonly content_key: KeyState;
  readonly bundle: ProofBundle;
}

/** What a ledger was found to be. */
export interface FoundVerdict {
  readonly verdict: LedgerState;
  /** For people, as `audit verify` says it. */
  readonly lines: readonly string[];
}
