import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { VconOtelError } from '../../model/error.ts';
import { KEY_FILE } from '../directory.ts';
import { KeyStore } from '../keys/key-store.ts';
import { ledgerSigner, originOf } from '../keys/signing-key.ts';
import { openLedger } from './open-ledger.ts';
import { leaveRequest, type Operator, openRequests } from './requests.ts';

/** What `audit shred` did. */
export interface Shredded {
  /** Whether there was a key. */
  readonly existed: boolean;
  /** Whether the ledger has already recorded it. */
  readonly recorded: boolean;
}

/**
 * Destroys a vCon's key and records that: at once if nobody has the ledger open and the private key is at hand, otherwise
 * by leaving a mark for the service.
 * @param operator who does it
 * @param notice receives what an operator should know of the ledger
 * @param keyFile the private key, if it is not beside the ledger
 */
export async function shredVcon(
  directory: string,
  vconUuid: string,
  operator: Operator,
  notice: (text: string) => void,
  keyFile?: string,
): Promise<Shredded> {
  const existed = new KeyStore(directory).destroy(vconUuid);
  leaveRequest(directory, { ...operator, event: 'vcon_key_destroyed', vcon_uuid: vconUuid });
  const left = { existed, recorded: false };
  // A ledger without a checkpoint has no name yet: the service gives it one.
  if (!existsSync(keyFile ?? join(directory, KEY_FILE)) || originOf(directory) === undefined) return left;
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
    return left;
  }
  return { existed, recorded: openRequests(directory).requests.length === 0 };
}
