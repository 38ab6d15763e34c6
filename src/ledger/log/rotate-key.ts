import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { VconOtelError } from '../../model/error.ts';
import { KEY_FILE, readText, VERIFIER_KEY_FILE } from '../directory.ts';
import { originOf } from '../keys/signing-key.ts';
import { signerOf } from '../proof/note.ts';
import type { RotationOrder } from './operator-deed.ts';
import { recordAtOnce } from './record-at-once.ts';
import { leaveRequest } from './requests.ts';

/** What `audit rotate-key` did. */
export interface KeyRotated {
  /** The verifier key from now on; undefined where the service has yet to do it and makes the key. */
  readonly vkey: string | undefined;
  /** Whether the ledger is signed with it by now. */
  readonly done: boolean;
}

/**
 * Has the key that signs a ledger changed for another: at once if nobody has the ledger open and the private key is beside it,
 * otherwise by the service.
 * @param notice receives what an operator should know of the ledger
 * @throws VconOtelError `KEY_INVALID` where there is nothing to change, or the new key is none
 */
export async function rotateKey(
  directory: string,
  order: RotationOrder,
  notice: (text: string) => void,
): Promise<KeyRotated> {
  const origin = originOf(directory);
  if (origin === undefined)
    throw new VconOtelError('KEY_INVALID', 'nothing is signed yet: start the service with the other key');
  const pem = order.key_file === undefined ? undefined : readText(order.key_file);
  if (order.key_file !== undefined && pem === undefined)
    throw new VconOtelError('FILE_UNUSABLE', `there is no key file ${order.key_file}`);
  const isBeside = lstatSync(join(directory, KEY_FILE), { throwIfNoEntry: false })?.isFile() === true;
  if (pem === undefined && !isBeside)
    throw new VconOtelError(
      'KEY_INVALID',
      `the private key is not beside the ledger: make a new one in the folder that the present one is in (vcon-otel audit keygen --origin ${origin} --out FILE), and name it with --key-file`,
    );
  const before = readText(join(directory, VERIFIER_KEY_FILE));
  leaveRequest(directory, order);
  const next = pem === undefined ? undefined : signerOf(origin, pem).vkey;
  await recordAtOnce(directory, notice);
  const now = readText(join(directory, VERIFIER_KEY_FILE));
  return now === before ? { vkey: next, done: false } : { vkey: now?.trim(), done: true };
}
