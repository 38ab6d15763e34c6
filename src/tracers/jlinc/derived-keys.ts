import { hkdfSync } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { errorType, VconOtelError } from '../../model/error.ts';
import type { KeyOfVcon } from './event-data.ts';

/** Bytes of a secret that cannot be guessed. */
const MIN_SECRET = 32;

/**
 * A key for each vCon, derived from one secret (HKDF-SHA256, RFC 5869): with it, fingerprints of different vCons say
 * nothing of each other, and nobody without the file can try out what a short conversation may have been.
 * @param path a file that nobody else may read, of at least 32 characters
 * @param option names the option in errors
 * @throws VconOtelError `FILE_UNUSABLE`
 */
export function derivedKeys(path: string, option: string): KeyOfVcon {
  const secret = readSecret(path, option);
  return (uuid) => new Uint8Array(hkdfSync('sha256', secret, '', `vcon-otel jlinc hmac ${uuid}`, 32));
}

function readSecret(path: string, option: string): Buffer {
  const unusable = (reason: string, cause?: unknown) =>
    new VconOtelError('FILE_UNUSABLE', `${option}: ${reason}`, { path: option, cause });
  let secret: Buffer;
  try {
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0)
      throw unusable('others may read this file; give it mode 600');
    secret = Buffer.from(readFileSync(path, 'utf8').trim());
  } catch (cause) {
    if (cause instanceof VconOtelError) throw cause;
    throw unusable(`cannot read this file: ${errorType(cause)}`, cause);
  }
  if (secret.length < MIN_SECRET) throw unusable(`the key has fewer than ${MIN_SECRET} characters`);
  return secret;
}
