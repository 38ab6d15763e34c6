import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { VconOtelError } from '../model/error.ts';
import { KEY_FILE } from './files.ts';
import { ledgerSigner, originOf } from './key-file.ts';
import { openLedger } from './ledger.ts';
import { openRequests, shredKey } from './shred.ts';

/** What `audit shred` did. */
export interface Shredded {
  /** Whether there was a key. */
  readonly existed: boolean;
  /** Whether the ledger has a record of it already. */
  readonly recorded: boolean;
}

/**
 * Destroys a vCon's key and records that: at once where nobody has the ledger open and the private key is here, else by
 * leaving word for the service.
 * @param notice told what an operator should know of the ledger
 * @param keyFile the private key, where it does not lie beside the ledger
 */
export async function shredVcon(
  directory: string,
  vconUuid: string,
  notice: (text: string) => void,
  keyFile?: string,
): Promise<Shredded> {
  const existed = shredKey(directory, vconUuid);
  const left = { existed, recorded: false };
  // A ledger without a checkpoint has no name yet: that is for the service to give.
  if (!existsSync(keyFile ?? join(directory, KEY_FILE)) || originOf(directory) === undefined) return left;
  try {
    const { signer } = ledgerSigner(directory, undefined, keyFile);
    const ledger = openLedger({
      directory,
      signer,
      checkpoint: { every: 1_000, interval: 60_000 },
      // Nothing expires here: how long records are kept is the service's to say.
      retention: { policy: 'none', period: Number.POSITIVE_INFINITY },
      notice: (_about, text) => notice(text),
    });
    try {
      await ledger.tend();
    } finally {
      await ledger.close();
    }
  } catch (error) {
    // In use, damaged, or of another key: whoever can open it finds word of it.
    if (!(error instanceof VconOtelError)) throw error;
    return left;
  }
  return { existed, recorded: openRequests(directory).length === 0 };
}
