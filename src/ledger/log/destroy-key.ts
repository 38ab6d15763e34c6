import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { VconOtelError } from '../../model/error.ts';
import { KEY_FILE } from '../directory.ts';
import { KeyStore } from '../keys/key-store.ts';
import { ledgerSigner, originOf } from '../keys/signing-key.ts';
import { openLedger } from './open-ledger.ts';
import { leaveRequest, type Operator, openRequests } from './requests.ts';

/** What became of a vCon's key. */
export interface Destroyed {
  /** Whether there was one. */
  readonly existed: boolean;
  /** The id that its record will have. */
  readonly recordId: string;
}

/** Destroys a vCon's key, and leaves word of that for the ledger. @param operator who does it */
export function destroyKey(directory: string, vconUuid: string, operator: Operator): Destroyed {
  const existed = new KeyStore(directory).destroy(vconUuid);
  const recordId = leaveRequest(directory, { ...operator, event: 'vcon_key_destroyed', vcon_uuid: vconUuid });
  return { existed, recordId };
}

/**
 * Has a ledger record what operators did, if nobody has it open and the private key is at hand; otherwise the service does.
 * @param notice receives what an operator should know of the ledger
 * @param keyFile the private key, if it is not beside the ledger
 * @returns whether all is recorded
 */
export async function recordAtOnce(
  directory: string,
  notice: (text: string) => void,
  keyFile?: string,
): Promise<boolean> {
  // A ledger without a checkpoint has no name yet: the service gives it one.
  if (!existsSync(keyFile ?? join(directory, KEY_FILE)) || originOf(directory) === undefined) return false;
  try {
    const { signer } = ledgerSigner(directory, undefined, keyFile);
    const ledger = openLedger({
      directory,
      signer,
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
