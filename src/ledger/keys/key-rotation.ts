import { join } from 'node:path';
import { ROTATIONS_FILE, readText } from '../directory.ts';
import { parseLine } from '../log/record.ts';
import { isSameHead, openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import { leafHashOf, rootFromProof } from '../proof/merkle.ts';
import { isSameVerifier, parseVerifierKey, type Verifier } from '../proof/note.ts';
import { parseTlogProof, splitTlogProofs } from '../proof/tlog-proof.ts';

/** That one key of a ledger came after another: a record says so, under a checkpoint that both have signed. */
export interface KeyRotation {
  /** The place of the record. */
  readonly seq: number;
  /** The first checkpoint that covers it: the last of the former key, and the first of the next. */
  readonly head: TreeHead;
  readonly former: Verifier;
  readonly next: Verifier;
  /** Whether the former private key was to be kept. */
  readonly isFormerKept: boolean;
  /** All of this as a C2SP tlog-proof. */
  readonly proof: string;
}

/** The changes of key of the ledger in a directory, as far as they prove themselves. */
export function rotationsIn(directory: string): KeyRotation[] {
  return rotationsOf(readText(join(directory, ROTATIONS_FILE)) ?? '');
}

/**
 * Reads changes of key, the oldest first. Each proves itself, and starts from the key that the one before led to.
 * @returns those up to the first that is none
 */
export function rotationsOf(text: string): KeyRotation[] {
  const rotations: KeyRotation[] = [];
  for (const proof of splitTlogProofs(text)) {
    const rotation = rotationOf(proof);
    const before = rotations.at(-1);
    if (!rotation || (before && !follows(rotation, before))) break;
    rotations.push(rotation);
  }
  return rotations;
}

/**
 * Which of two lists of changes of one ledger says more: the second, where it goes on from the first.
 * @returns the first where the two contradict one another
 */
export function longerRotations(
  known: readonly KeyRotation[],
  others: readonly KeyRotation[],
): readonly KeyRotation[] {
  const isSame = known.every(({ head, next }, i) => {
    const other = others[i];
    return other && isSameHead(head, other.head) && isSameVerifier(next, other.next);
  });
  return isSame ? others : known;
}

/**
 * Which keys may have signed which checkpoints of a ledger, where some of them are known and the others follow from its changes of key:
 * who came after a key was signed by that key, and who was before it by itself.
 * @param given keys that are trusted; those of other ledgers, and all of a ledger without such changes, stay as they are
 */
export function keysInForce(given: readonly Verifier[], rotations: readonly KeyRotation[]): Verifier[] {
  const [first] = rotations;
  if (!first) return [...given];
  const chain = [first.former, ...rotations.map(({ next }) => next)].map((verifier, i) => ({
    ...verifier,
    term: {
      from: rotations[i - 1]?.head.size ?? 0,
      to: rotations[i]?.head.size ?? Number.POSITIVE_INFINITY,
    },
  }));
  if (!given.some((one) => chain.some((other) => isSameVerifier(one, other)))) return [...given];
  return [...chain, ...given.filter(({ name }) => name !== first.former.name)];
}

function rotationOf(proof: string): KeyRotation | undefined {
  const parsed = parseTlogProof(proof);
  const line = parsed && parseLine(parsed.entry.toString());
  if (!parsed || !line || !('record' in line)) return undefined;
  const { record } = line;
  if (record.event !== 'key_rotated' || record.seq !== parsed.index) return undefined;
  const [former, next] = [record.former_key, record.verifier_key].map(verifierOf);
  if (!former || !next) return undefined;
  const [one, other] = [former, next].map((verifier) => openCheckpoint(parsed.checkpoint, [verifier]));
  if (one?.state !== 'signed' || other?.state !== 'signed') return undefined;
  const { head } = one;
  const path = parsed.proof.map((base64) => Buffer.from(base64, 'base64'));
  const root = rootFromProof(leafHashOf(parsed.entry), record.seq, head.size, path);
  const isOwn = former.name === head.origin && next.name === head.origin;
  if (!isOwn || !root?.equals(head.root)) return undefined;
  return { seq: record.seq, head, former, next, isFormerKept: record.former_private_key === 'kept', proof };
}

function follows(later: KeyRotation, earlier: KeyRotation): boolean {
  return isSameVerifier(later.former, earlier.next) && later.seq >= earlier.head.size;
}

function verifierOf(vkey: string): Verifier | undefined {
  try {
    return parseVerifierKey(vkey);
  } catch {
    return undefined;
  }
}
