import { join } from 'node:path';
import { z } from 'zod';
import { VconOtelError } from '../../model/error.ts';
import { CHECKPOINT_FILE, readText } from '../directory.ts';
import { hashOf, hmacOf } from '../hash-algorithm.ts';
import { type KeyRotation, keysInForce, rotationsIn, rotationsOf } from '../keys/key-rotation.ts';
import { commitmentTo } from '../keys/key-store.ts';
import { isOfVcon, recordsOfVcon } from '../log/known-vcon.ts';
import { type LedgerRecord, parseLine } from '../log/record.ts';
import { listSegments } from '../log/segments.ts';
import { openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import { inclusionProof, leafHash, rootFromProof } from '../proof/merkle.ts';
import { parseNote, type Verifier } from '../proof/note.ts';
import { TileReader } from '../proof/tile-reader.ts';
import { isTlogProof, parseTlogProof, tlogProofText } from '../proof/tlog-proof.ts';
import { keptCosigned } from '../witness/witnessing.ts';

/**
 * All records of a vCon with everything needed to check, without the ledger, that they are in it: a signed checkpoint and,
 * for each record, the path from its leaf to the checkpoint's root (RFC 6962 §2.1.1).
 */
export const ProofBundle = z.strictObject({
  /** The first edition did not say what it covers. */
  format: z.enum(['vcon-otel/audit-proof@v1', 'vcon-otel/audit-proof@v2']),
  vcon_uuid: z.string(),
  /** The records that were looked through, from the first that is kept up to, not including, the size of the checkpoint. */
  covers: z.strictObject({ from: z.int().min(0), to: z.int().min(0) }).optional(),
  /** A C2SP checkpoint, verbatim. */
  checkpoint: z.string(),
  records: z.array(
    z.strictObject({
      index: z.int().min(0),
      /** The record's line, verbatim. */
      record: z.string(),
      /** Base64, the leaf's sibling first. */
      proof: z.array(z.string()),
    }),
  ),
  /** The changes of the key that signs, if there were any: a C2SP tlog-proof of each, for whoever has a former key. */
  rotations: z.array(z.string()).optional(),
  /** Records of the vCon that the checkpoint does not cover yet. */
  unsigned: z.int().min(0),
  /** The vCon's key in base64, if requested: anybody who has it can tell whether a document is the one that was hashed. */
  content_key: z.string().optional(),
});
export type ProofBundle = z.infer<typeof ProofBundle>;

/**
 * Collects the records of a vCon: those that name it, and those of steps that made another one of it.
 * @throws VconOtelError `LEDGER_DAMAGED` if the ledger has no checkpoint, or tiles are missing
 */
export function proveVcon(directory: string, vconUuid: string, contentKey?: Buffer): ProofBundle {
  const checkpoint = readText(join(directory, CHECKPOINT_FILE));
  const opened = openCheckpoint(checkpoint ?? '', []);
  if (checkpoint === undefined || !('head' in opened)) throw unprovable('there is no checkpoint yet');
  const tiles = new TileReader(directory, opened.head.size);
  const found = [...recordsOfVcon(directory, vconUuid)];
  const signed = found.filter(({ record }) => record.seq < opened.head.size);
  const unsigned = found.length - signed.length;
  const last = signed.at(-1)?.record.seq ?? -1;
  const { note, size } = mostCosigned(directory, opened.head, tiles, last) ?? {
    note: checkpoint,
    size: opened.head.size,
  };
  const records = signed.map(({ line, record }) => ({
    index: record.seq,
    record: line,
    proof: proofOf(tiles, record.seq, size),
  }));
  const rotations = rotationsIn(directory);
  return {
    format: 'vcon-otel/audit-proof@v2',
    vcon_uuid: vconUuid,
    covers: { from: listSegments(directory)[0]?.first ?? 0, to: size },
    checkpoint: note,
    records,
    ...(rotations.length > 0 ? { rotations: rotations.map(({ proof }) => proof) } : {}),
    unsigned,
    ...(contentKey ? { content_key: contentKey.toString('base64') } : {}),
  };
}

/** The checkpoint that most witnesses have cosigned, of those that cover so much: the newest need not have any cosignature yet. */
function mostCosigned(directory: string, newest: TreeHead, tiles: TileReader, last: number) {
  const kept = keptCosigned(directory).flatMap((note) => {
    const opened = openCheckpoint(note, []);
    if (!('head' in opened)) return [];
    const { origin, size, root } = opened.head;
    const isOfIt = origin === newest.origin && size <= newest.size && tiles.sizeRoot(size).equals(root);
    return isOfIt && size > last ? [{ note, size, signatures: parseNote(note)?.signatures.length ?? 0 }] : [];
  });
  const [best] = kept.sort((one, other) => other.signatures - one.signatures || other.size - one.size);
  return best;
}

/** The result of checking a bundle. */
export type ProofVerdict =
  | {
      readonly verdict: 'proven';
      readonly origin: string;
      readonly size: number;
      readonly records: number;
      /** What was looked through, as whoever made the bundle says: the records show that they are there, not that no others are. */
      readonly covers: ProofBundle['covers'];
      readonly content: readonly number[];
      /** How the key that signed it came after a given one. */
      readonly keyChanges: readonly KeyRotation[];
      /** The line of the only record of a tlog-proof. */
      readonly record?: string;
    }
  | { readonly verdict: 'refused' | 'unknown_key'; readonly reason: string; readonly seq?: number };

/**
 * Checks by itself a bundle, or a C2SP tlog-proof of one record.
 * @param document the vCon's text: then `content` lists the records that were made of exactly this text
 * @throws VconOtelError `LEDGER_DAMAGED` if the text is not a bundle
 */
export function checkProof(text: string, given: readonly Verifier[], document?: string): ProofVerdict {
  const verifiers = keysOfBundle(text, given);
  const { checkpoint, covers, records, rotations = [], vcon_uuid, content_key } = parseBundle(text);
  const opened = openCheckpoint(checkpoint, verifiers);
  if (!('head' in opened)) return { verdict: 'refused', reason: 'the checkpoint is not signed as it says' };
  if (opened.state === 'unknown_key')
    return { verdict: 'unknown_key', reason: 'the checkpoint is signed by an unknown key' };
  const { origin, size, root } = opened.head;
  const keyChanges = verifiers.some(({ term }) => term) ? rotationsOf(rotations.join('')) : [];
  if (records.length === 0) return { verdict: 'refused', reason: 'it has no record, so it proves nothing' };
  const content: number[] = [];
  let last = -1;
  for (const { index, record: line, proof } of records) {
    const parsed = parseLine(line);
    const path = proof.map((base64) => Buffer.from(base64, 'base64'));
    const found = rootFromProof(Buffer.from(leafHash(line), 'hex'), index, size, path);
    const refused = (reason: string) => ({ verdict: 'refused', reason, seq: index }) as const;
    if (!found?.equals(root)) return refused('does not lead to the root of the checkpoint');
    if (!('record' in parsed) || parsed.record.seq !== index) return refused('is not a record of that place');
    if (vcon_uuid !== undefined && !isOfVcon(parsed.record, vcon_uuid)) return refused('is of another vCon');
    if (content_key !== undefined && !isKeyOf(parsed.record, content_key))
      return refused('was made with another key');
    if (index <= last) return refused('is there twice, or out of order');
    last = index;
    if (document !== undefined && contentHash(parsed.record, document, content_key)) content.push(index);
  }
  const [only] = records;
  const shown = isTlogProof(text) && only ? { record: only.record } : {};
  return { verdict: 'proven', origin, size, records: records.length, covers, content, keyChanges, ...shown };
}

/** The records of a bundle, each as a C2SP tlog-proof, by their places. */
export function tlogProofs({ checkpoint, records }: ProofBundle): ReadonlyMap<number, string> {
  return new Map(
    records.map(({ index, record, proof }) => [
      index,
      tlogProofText({ entry: Buffer.from(record), index, proof, checkpoint }),
    ]),
  );
}

/** The given keys, and those that a bundle leads from them to. @throws VconOtelError as {@link checkProof} */
export function keysOfBundle(text: string, given: readonly Verifier[]): Verifier[] {
  return keysInForce(given, rotationsOf((parseBundle(text).rotations ?? []).join('')));
}

/** The checkpoint of a bundle. @throws VconOtelError as {@link checkProof} */
export function checkpointOf(text: string): string {
  return parseBundle(text).checkpoint;
}

/** The inclusion proof of a record, in base64. */
export function proofOf(tiles: TileReader, index: number, size = tiles.size): string[] {
  try {
    return inclusionProof(index, size, (start, end) => tiles.root(start, end)).map((hash) =>
      hash.toString('base64'),
    );
  } catch {
    throw unprovable('tiles are missing');
  }
}

/** Whether a record may have been made with that key. */
function isKeyOf(record: LedgerRecord, key: string): boolean {
  if (!('key_commitment' in record) || record.key_commitment === undefined) return true;
  return record.key_commitment === commitmentTo(Buffer.from(key, 'base64'));
}

function contentHash(record: LedgerRecord, document: string, key: string | undefined): boolean {
  if (!('content_hash' in record) || !record.content_hash) return false;
  const { content_hash, content_binding, hash_algorithm = 'sha256' } = record;
  if (content_binding === 'hash') return content_hash === hashOf(hash_algorithm, document);
  if (key === undefined) return false;
  return content_hash === hmacOf(hash_algorithm, Buffer.from(key, 'base64'), document);
}

/** What is checked of either form: a tlog-proof is of one record, whatever its vCon. */
type Parsed = Pick<ProofBundle, 'checkpoint' | 'covers' | 'records' | 'rotations' | 'content_key'> & {
  readonly vcon_uuid?: string;
};

function parseBundle(text: string): Parsed {
  if (isTlogProof(text)) {
    const parsed = parseTlogProof(text);
    if (!parsed)
      throw new VconOtelError('LEDGER_DAMAGED', 'this is not a tlog-proof whose extra data is a record');
    const { entry, index, proof, checkpoint } = parsed;
    return { checkpoint, records: [{ index, record: entry.toString(), proof: [...proof] }] };
  }
  try {
    return ProofBundle.parse(JSON.parse(text));
  } catch {
    throw new VconOtelError('LEDGER_DAMAGED', 'this is not a proof bundle');
  }
}

function unprovable(reason: string): VconOtelError {
  return new VconOtelError('LEDGER_DAMAGED', `nothing can be proven: ${reason}`);
}
