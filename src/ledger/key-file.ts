import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { VconOtelError } from '../model/error.ts';
import { openCheckpoint } from './checkpoint.ts';
import { CHECKPOINT_FILE, KEY_FILE, readText, replaceAtOnce, VERIFIER_KEY_FILE } from './files.ts';
import { generateKey, parseVerifierKey, type Signer, signerOf, type Verifier } from './note.ts';
import { syncPath } from './segments.ts';

/** Who signs a ledger, and whether the key was made just now. */
export interface LedgerSigner {
  readonly signer: Signer;
  readonly made: boolean;
}

/**
 * The key of a ledger: that of `keyFile`, or one beside the ledger, which is made where there is none. The origin is the
 * one that is given, or that of the ledger as it is, or a new one.
 * @throws VconOtelError `FILE_UNUSABLE` where there is no such key file, `KEY_INVALID`
 */
export function ledgerSigner(directory: string, origin?: string, keyFile?: string): LedgerSigner {
  const name = origin ?? originOf(directory) ?? `vcon-otel.local/${randomBytes(8).toString('hex')}`;
  const found = existingSigner(directory, name, keyFile);
  if (found) return { signer: found, made: false };
  const pem = generateKey();
  writeKeyFile(join(directory, KEY_FILE), pem);
  return { signer: signerOf(name, pem), made: true };
}

/**
 * As {@link ledgerSigner}, changing nothing.
 * @returns undefined where a key is still to be made beside the ledger
 * @throws VconOtelError as `ledgerSigner`
 */
export function existingSigner(directory: string, origin?: string, keyFile?: string): Signer | undefined {
  const name = origin ?? originOf(directory);
  const pem = readText(keyFile ?? join(directory, KEY_FILE));
  if (pem !== undefined) return signerOf(name ?? UNNAMED, pem);
  if (keyFile !== undefined)
    throw new VconOtelError('FILE_UNUSABLE', 'there is no such key file: vcon-otel audit keygen makes one');
  if (originOf(directory) === undefined) return undefined;
  throw new VconOtelError(
    'KEY_INVALID',
    'the key that the ledger was signed with is gone: put it back, or begin another ledger',
  );
}

/** Stands for the name that a new ledger will be given. */
const UNNAMED = 'vcon-otel.local';

/** Makes the directory of a ledger where there is none, and has its name on the disk. */
export function makeLedgerFolder(directory: string): void {
  const path = resolve(directory);
  const first = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    syncPath(parent);
    if (parent === dirname(first)) return;
  }
}

/** Writes a private key that only its owner may read. */
export function writeKeyFile(path: string, pem: string): void {
  mkdirSync(dirname(path), { recursive: true });
  replaceAtOnce(path, pem, 0o600);
}

/** The verifier key that lies beside a ledger; whoever can alter the ledger can alter it too. @throws VconOtelError `KEY_INVALID` */
export function verifierBeside(directory: string): Verifier[] {
  const vkey = readText(join(directory, VERIFIER_KEY_FILE));
  return vkey === undefined ? [] : [parseVerifierKey(vkey.trim())];
}

/** The origin of a ledger as its newest checkpoint has it. */
export function originOf(directory: string): string | undefined {
  const opened = openCheckpoint(readText(join(directory, CHECKPOINT_FILE)) ?? '', []);
  return 'head' in opened ? opened.head.origin : undefined;
}
