import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
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
  const path = keyFile ?? join(directory, KEY_FILE);
  const made = keyFile === undefined && !existsSync(path);
  if (made && originOf(directory) !== undefined)
    throw new VconOtelError(
      'KEY_INVALID',
      'the key that the ledger was signed with is gone: put it back, or begin another ledger',
    );
  if (made) writeKeyFile(path, generateKey());
  const pem = readText(path);
  if (pem === undefined)
    throw new VconOtelError('FILE_UNUSABLE', 'there is no such key file: vcon-otel audit keygen makes one');
  return { signer: signerOf(name, pem), made };
}

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
