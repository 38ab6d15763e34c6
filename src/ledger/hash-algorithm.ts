import { createHmac, hash } from 'node:crypto';

/**
 * The algorithms of a content hash: the names are those of Python's `hashlib.new`, since the conserver's page on tracers
 * has them, the values those of `node:crypto`. Without the two SHAKEs, which have no length of their own.
 */
const ALGORITHMS = {
  sha224: 'sha224',
  sha256: 'sha256',
  sha384: 'sha384',
  sha512: 'sha512',
  sha512_224: 'sha512-224',
  sha512_256: 'sha512-256',
  sha3_224: 'sha3-224',
  sha3_256: 'sha3-256',
  sha3_384: 'sha3-384',
  sha3_512: 'sha3-512',
  blake2b: 'blake2b512',
  blake2s: 'blake2s256',
  sm3: 'sm3',
  ripemd160: 'ripemd160',
  sha1: 'sha1',
  md5: 'md5',
} as const;

/** The name of an algorithm, as it is configured and recorded. */
export type HashAlgorithm = keyof typeof ALGORITHMS;

export const hashAlgorithms = Object.keys(ALGORITHMS) as readonly HashAlgorithm[];

/** Those of which two documents with one hash can be made: what they are recorded for, they do not prove. */
export const brokenAlgorithms: ReadonlySet<HashAlgorithm> = new Set(['sha1', 'md5']);

/** A text's bare hash, in hex. @throws where this machine's OpenSSL does not allow the algorithm */
export function hashOf(algorithm: HashAlgorithm, text: string): string {
  return hash(ALGORITHMS[algorithm], text, 'hex');
}

/** A text's hash under a key (RFC 2104), in hex. @throws as {@link hashOf} */
export function hmacOf(algorithm: HashAlgorithm, key: Buffer, text: string): string {
  return createHmac(ALGORITHMS[algorithm], key).update(text).digest('hex');
}
