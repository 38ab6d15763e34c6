import { realpathSync } from 'node:fs';
import type { LedgerStanding } from './ledger-standing.ts';
import type { LedgerEntry } from './record.ts';

//  A ledger has one writer, and whoever else in its process has something to record asks for it here.

/** A ledger that is open in this process, for whoever has something to record in it. */
export interface OpenLedger {
  /** What records say of how long they are kept. */
  readonly policy: string;
  /** How it stands. */
  readonly standing: LedgerStanding;
  /** Resolves when the record is on disk; see `Ledger.append`. */
  append(entry: LedgerEntry): Promise<void>;
}

const open = new Map<string, OpenLedger>();

/** The ledger in a directory, if this process has it open. */
export function ledgerIn(directory: string): OpenLedger | undefined {
  try {
    return open.get(realpathSync(directory));
  } catch {
    return undefined;
  }
}

/** What somebody should look at in the ledgers that this process has open: above all, why one records and signs nothing any more. */
export function ledgerTroubles(): string[] {
  return [...open.values()].flatMap(({ standing }) => standing.troubles);
}

/** Makes a ledger known that was opened. @returns what makes it unknown again */
export function register(directory: string, ledger: OpenLedger): () => void {
  const path = realpathSync(directory);
  open.set(path, ledger);
  return () => {
    if (open.get(path) === ledger) open.delete(path);
  };
}
