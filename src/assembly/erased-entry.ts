import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Received } from '../model/received.ts';
import { countTexts, replaceTexts } from '../persistence/replace-text.ts';
import { isOfCarrying } from './entry.ts';
import { isReceivedEntry, readReceivedEntry, unpackedHead } from './received-entry.ts';

/** Unpacks what was received. @throws Error where it cannot be */
export type Unpack = (packed: Uint8Array, packing: Received['packing']) => Promise<Buffer>;

/**
 * Puts a pseudonym in the place of a vCon's uuid in an entry of the inbox, whichever kind it is. Both have the same length, so that whatever it is encoded in
 * stays whole; what was packed is not packed again.
 * @param spellings of the uuid
 * @param hashes texts of the same kind, which become zeros
 * @returns undefined where it does not name the vCon
 */
export async function erasedEntry(
  body: Uint8Array,
  spellings: readonly string[],
  pseudonym: string,
  hashes: readonly string[],
  unpack: Unpack,
): Promise<Uint8Array | undefined> {
  if (isReceivedEntry(body)) return erasedReceived(body, spellings, pseudonym, hashes, unpack);
  const bytes = Buffer.from(body);
  const part = bytes.indexOf('\n') + 1;
  // What is carried forward is packed behind its head.
  if (!isOfCarrying(body) || !bytes.subarray(part).subarray(0, 4).equals(ZSTD))
    return erasedText(bytes, spellings, pseudonym, hashes);
  const erased = erasedText(zstdDecompressSync(bytes.subarray(part)), spellings, pseudonym, hashes);
  return erased && Buffer.concat([bytes.subarray(0, part), zstdCompressSync(erased)]);
}

/** How what is packed by zstd begins (RFC 8878 §3.1.1). */
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** @param bytes are changed */
function erasedText(
  bytes: Buffer,
  spellings: readonly string[],
  pseudonym: string,
  hashes: readonly string[],
): Buffer | undefined {
  const isNamed = replaceTexts(bytes, spellings, pseudonym) > 0;
  const isPacked = eraseInClosedRuns(bytes, spellings, pseudonym);
  if (!isNamed && !isPacked) return undefined;
  eraseHashes(bytes, hashes);
  return bytes;
}

async function erasedReceived(
  body: Uint8Array,
  spellings: readonly string[],
  pseudonym: string,
  hashes: readonly string[],
  unpack: Unpack,
): Promise<Uint8Array | undefined> {
  const entry = readReceivedEntry(body);
  // What nobody can read says nothing.
  const unpacked =
    entry && (await unpack(entry.received.bytes, entry.received.packing).catch(() => undefined));
  if (!entry || !unpacked || countTexts(unpacked, spellings) === 0) return undefined;
  const bytes = Buffer.from(unpacked);
  replaceTexts(bytes, spellings, pseudonym);
  eraseHashes(bytes, hashes);
  const head = Buffer.from(body.subarray(0, body.byteLength - entry.received.bytes.byteLength));
  return Buffer.concat([unpackedHead(head), bytes]);
}

/** What is remembered of closed runs is base64 of bytes, in which a uuid is 16 (`packed-runs.ts`). */
function eraseInClosedRuns(body: Buffer, spellings: readonly string[], pseudonym: string): boolean {
  const begin = body.indexOf(PACKED);
  const from = begin + PACKED.length;
  const to = begin === -1 ? -1 : body.indexOf('"', from);
  if (to === -1) return false;
  const runs = Buffer.from(body.toString('latin1', from, to), 'base64');
  const found =
    replaceTexts(runs, spellings.map(bytesOf), bytesOf(pseudonym)) + replaceTexts(runs, spellings, pseudonym);
  if (found > 0) body.write(runs.toString('base64'), from, 'latin1');
  return found > 0;
}

const PACKED = '"packed":"';

function bytesOf(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

function eraseHashes(bytes: Buffer, hashes: readonly string[]): void {
  for (const hash of hashes) replaceTexts(bytes, [hash], '0'.repeat(hash.length));
}
