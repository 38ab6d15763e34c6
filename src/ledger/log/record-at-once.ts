import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { VconOtelError } from '../../model/error.ts';
import { KEY_FILE } from '../directory.ts';
import { ledgerSigner, originOf } from '../keys/signing-key.ts';
import { openLedger } from './open-ledger.ts';
import { openRequests } from './requests.ts';

/**
 * Has a ledger record what operators did, and carry out what they ordered, if nobody has it open and the private key is at hand.
 * @param notice receives what an operator should know of the ledger
 * @param keyFile the private key, if it is not beside the ledger
 * @returns whether nothing waits any more; otherwise the service sees to it
 */
export async function recordAtOnce(
  directory: string,
  notice: (text: string) => void,
  keyFile?: string,
): Promise<boolean> {
  if (!existsSync(keyFile ?? join(directory, KEY_FILE))) return false;
  try {
    // A ledger without a checkpoint has no name yet: the service gives it one.
    if (originOf(directory) === undefined) return false;
    const { signer } = ledgerSigner(directory, undefined, keyFile);
    const ledger = openLedger({
      directory,
      signer,
      keyFile,
      checkpoint: { every: 1_000, interval: 60_000 },
      // Nothing expires here: the service decides how long records are kept.
      retention: { policy: 'none', period: Number.POSITIVE_INFINITY },
      notice: (_about, text) => notice(text),
    });
    try {
      await ledger.tend();
    } finally {
      await ledger.close();
    }
  } catch (error) {
    // In use, damaged, or of another key: whoever can open it will find the mark.
    if (!(error instanceof VconOtelError)) throw error;
    return false;
  }
  return openRequests(directory).requests.length === 0;
}
