import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKey, parseVerifierKey, writeKeyFile } from '../../ledger/index.ts';
import { VconOtelError } from '../../model/error.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { replaceFileSync } from '../../persistence/replace-file.ts';
import { type EnvelopeKey, type EnvelopeSigner, envelopeKey } from './dsse.ts';

/** The private key of a directory without a `key_file`, and the public one of any. */
const KEY_FILE = 'signing-key.pem';
const PUBLIC_KEY_FILE = 'verify-key.pem';

/**
 * The key that signs: that of `keyFile`, or the one in the directory, which is created if missing. Its public half is put into
 * the directory.
 * @throws VconOtelError `FILE_UNUSABLE` if `keyFile` is missing, `KEY_INVALID`; the system's error
 */
export function attestSigner(directory: string, keyFile?: string): EnvelopeSigner {
  makeFolder(directory);
  const path = keyFile ?? join(directory, KEY_FILE);
  if (keyFile === undefined && !existsSync(path)) writeKeyFile(path, generateKey());
  const signer = signerOfFile(path);
  writePublicKey(join(directory, PUBLIC_KEY_FILE), signer);
  return signer;
}

/** Where the private key of the options is. */
export function keyPath(directory: string, keyFile?: string): string {
  return keyFile ?? join(directory, KEY_FILE);
}

/** Writes the public half of a key as PEM (RFC 8410), where it is not there yet. */
export function writePublicKey(path: string, { key }: EnvelopeKey): void {
  const pem = key.export({ type: 'spki', format: 'pem' }).toString();
  if (!existsSync(path) || readFileSync(path, 'utf8') !== pem) replaceFileSync(path, pem);
}

/** The key of a file with a private key. @throws VconOtelError `FILE_UNUSABLE`, `KEY_INVALID`; the system's error */
export function signerOfFile(path: string): EnvelopeSigner {
  if (!existsSync(path))
    throw new VconOtelError(
      'FILE_UNUSABLE',
      `there is no key file ${path}: vcon-otel audit keygen creates one`,
    );
  const privateKey = ed25519(() => createPrivateKey(readFileSync(path)));
  return { ...envelopeKey(privateKey), privateKey };
}

/** A public key as it is given to a verifier: PEM, or a verifier key of `audit keygen`. @throws VconOtelError `KEY_INVALID` */
export function givenKey(text: string): EnvelopeKey {
  if (!text.includes('-----BEGIN')) return envelopeKey(parseVerifierKey(text.trim()).key);
  // `createPublicKey` takes a private key, too: nobody should hand one to a verifier unnoticed.
  if (text.includes('PRIVATE KEY'))
    throw new VconOtelError('KEY_INVALID', 'this is a private key, not a public one');
  return envelopeKey(ed25519(() => createPublicKey(text)));
}

/** The public key in a tracer's directory, which anybody who can write there can replace; none where there is none. */
export function keyBeside(directory: string): EnvelopeKey[] {
  const path = join(directory, PUBLIC_KEY_FILE);
  return existsSync(path) ? [givenKey(readFileSync(path, 'utf8'))] : [];
}

function ed25519(read: () => KeyObject): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = read();
  } catch (error) {
    // The library's own message may quote the key; the system's says what the matter is with the file.
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error;
  }
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw new VconOtelError('KEY_INVALID', 'the key file holds no Ed25519 key in PEM');
}
