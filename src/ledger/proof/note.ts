import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { VconOtelError } from '../../model/error.ts';

/** A signer: what `vcon-otel audit keygen` creates. */
export interface Signer {
  /** The key's name, the ledger's origin. */
  readonly name: string;
  /** The public half, in the form given to others: `<name>+<id>+<base64>` (C2SP signed-note, verifier key). */
  readonly vkey: string;
  /** A signed note of a text that ends in a line break. */
  sign(text: string): string;
}

/** A public key that verifies signatures. */
export interface Verifier {
  readonly name: string;
  /** The key's id: 8 hexadecimal digits. */
  readonly id: string;
  readonly key: KeyObject;
  /** The sizes of the trees whose checkpoints it may sign, both included. Absent: all. */
  readonly term?: { readonly from: number; readonly to: number };
}

/** A ledger's verifier key as it is given to others: `<name>+<id>+<base64>`. */
export function vkeyOf({ name, id, key }: Verifier): string {
  return `${name}+${id}+${Buffer.concat([Buffer.of(ED25519), publicBytes(key)]).toString('base64')}`;
}

/** Whether two verifiers have one name and one key: an id alone is too short to tell. */
export function isSameVerifier(one: Verifier, other: Verifier): boolean {
  return one.name === other.name && one.key.equals(other.key);
}

/** The result of opening a signed note: its text, or why it cannot be trusted. */
export type OpenedNote =
  | { readonly state: 'signed'; readonly text: string; readonly by: Verifier }
  | { readonly state: 'unknown_key'; readonly text: string }
  | { readonly state: 'forged' }
  | { readonly state: 'malformed' };

/** A private Ed25519 key as PKCS#8 PEM (RFC 8410): the text of a key file. */
export function generateKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * Signs with the key of a key file.
 * @throws VconOtelError `KEY_INVALID` if it holds no Ed25519 key, or the name cannot be a key's
 */
export function signerOf(name: string, pem: string): Signer {
  const { id, vkey, key } = keyPair(name, pem, ED25519);
  return {
    name,
    vkey,
    sign: (text) => `${text}\n${signatureLine(name, id, sign(null, Buffer.from(text), key))}`,
  };
}

/** A private key, and what belongs to its public half under a name. */
export interface KeyPair {
  readonly key: KeyObject;
  /** The key's id: 8 hexadecimal digits. */
  readonly id: string;
  /** `<name>+<id>+<base64>`. */
  readonly vkey: string;
}

/**
 * The key of a key file, for signatures of a type (C2SP signed-note, signature types).
 * @throws VconOtelError `KEY_INVALID` if it holds no Ed25519 key, or the name cannot be a key's
 */
export function keyPair(name: string, pem: string, type: number): KeyPair {
  if (!isKeyName(name))
    throw new VconOtelError('KEY_INVALID', 'the name of a key is empty, or has a space or a plus sign');
  const key = privateKey(pem);
  const bytes = publicBytes(createPublicKey(key));
  const id = keyId(name, type, bytes);
  return { key, id, vkey: `${name}+${id}+${Buffer.concat([Buffer.of(type), bytes]).toString('base64')}` };
}

/**
 * Reads a verifier key, `<name>+<id>+<base64>`.
 * @throws VconOtelError `KEY_INVALID`
 */
export function parseVerifierKey(vkey: string): Verifier {
  const { type, ...verifier } = readVerifierKey(vkey);
  if (type !== ED25519) throw notAKey();
  return verifier;
}

/**
 * Reads a verifier key of any type whose key is an Ed25519 key.
 * @throws VconOtelError `KEY_INVALID`
 */
export function readVerifierKey(vkey: string): Verifier & { readonly type: number } {
  // The last part may hold plus signs of its own.
  const [, name = '', id = '', body = ''] = /^([^+]*)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(vkey) ?? [];
  const bytes = decode(body);
  const [type] = bytes ?? [];
  if (!isKeyName(name) || bytes?.length !== 33 || type === undefined) throw notAKey();
  const raw = bytes.subarray(1);
  if (keyId(name, type, raw) !== id)
    throw new VconOtelError('KEY_INVALID', 'the id of the verifier key does not belong to its name and key');
  const key = createPublicKey({ format: 'der', type: 'spki', key: Buffer.concat([SPKI_HEAD, raw]) });
  return { name, id, key, type };
}

/** A signature line of a note. */
export interface NoteSignature {
  /** The line, with its line break. */
  readonly line: string;
  readonly name: string;
  /** Of the key: 8 hexadecimal digits. */
  readonly id: string;
  readonly bytes: Buffer;
}

/** The text of a note and its signatures, of which none is checked; undefined for what is no note (C2SP signed-note). */
export function parseNote(
  note: string,
): { readonly text: string; readonly signatures: readonly NoteSignature[] } | undefined {
  const end = note.lastIndexOf('\n\n');
  if (end === -1 || !note.endsWith('\n') || hasControls(note)) return undefined;
  const signatures = parseSignatures(note.slice(end + 2));
  return signatures && { text: note.slice(0, end + 1), signatures };
}

/** Signature lines, as they stand in a note or alone; undefined where one is none, or there are too many. */
export function parseSignatures(text: string): readonly NoteSignature[] | undefined {
  if (!text.endsWith('\n')) return undefined;
  const lines = text.slice(0, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) return undefined;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const [, name = '', base64 = ''] = /^— ([^\s+]+) ([A-Za-z0-9+/]+=*)$/.exec(line) ?? [];
    const signed = decode(base64);
    if (!signed || signed.length < 5) return undefined;
    const id = signed.subarray(0, 4).toString('hex');
    signatures.push({ line: `${line}\n`, name, id, bytes: signed.subarray(4) });
  }
  return signatures;
}

/** A signature line, with its line break. */
export function signatureLine(name: string, id: string, signature: Uint8Array): string {
  return `${DASH} ${name} ${Buffer.concat([Buffer.from(id, 'hex'), signature]).toString('base64')}\n`;
}

/** Opens a signed note (C2SP signed-note). Signatures of unknown keys are ignored. */
export function openNote(note: string, verifiers: readonly Verifier[]): OpenedNote {
  const parsed = parseNote(note);
  if (!parsed) return { state: 'malformed' };
  const { text, signatures } = parsed;
  let by: Verifier | undefined;
  for (const { name, id, bytes } of signatures) {
    const verifier = verifiers.find((known) => known.name === name && known.id === id);
    if (!verifier) continue;
    if (!verify(null, Buffer.from(text), verifier.key, bytes)) return { state: 'forged' };
    by ??= verifier;
  }
  return by ? { state: 'signed', text, by } : { state: 'unknown_key', text };
}

/** Whether a line stands where the signatures of a note do. */
export function isSignatureLine(line: string): boolean {
  return line.startsWith(`${DASH} `);
}

/** Of a signature and of a key (C2SP signed-note, signature types). */
const ED25519 = 0x01;
const DASH = '\u2014';
/** The minimum that the specification requires a verifier to accept. */
const MAX_SIGNATURES = 16;
/** The bytes before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410 §4). */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

function isKeyName(name: string): boolean {
  return name !== '' && !/[\s+]/u.test(name) && !hasControls(name) && name.isWellFormed();
}

/** Control characters other than the line break are forbidden in a note. */
function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 0x20 && code !== 0x0a) return true;
  }
  return false;
}

function privateKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // The library's own message may quote the key.
  }
  throw new VconOtelError('KEY_INVALID', 'the key file holds no Ed25519 private key in PEM');
}

function publicBytes(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(SPKI_HEAD.length);
}

function notAKey(): VconOtelError {
  return new VconOtelError('KEY_INVALID', 'this is not a verifier key (<name>+<id>+<base64>, Ed25519)');
}

function keyId(name: string, type: number, bytes: Buffer): string {
  const text = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(type), bytes]);
  return hash('sha256', text, 'hex').slice(0, 8);
}

/** Base64 with its padding and nothing else; undefined for anything else. */
function decode(base64: string): Buffer | undefined {
  const bytes = Buffer.from(base64, 'base64');
  return bytes.toString('base64') === base64 ? bytes : undefined;
}
