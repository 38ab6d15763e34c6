import { CHECKPOINT_FILE, ROTATIONS_FILE } from '../directory.ts';
import { type KeyRotation, keysInForce, longerRotations, rotationsOf } from '../keys/key-rotation.ts';
import { openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import type { Verifier } from '../proof/note.ts';
import { type Attestation, attestations } from '../verify/witnessed.ts';
import { WITNESSES_FOLDER } from '../witness/witnessing.ts';
import { Noticed } from './monitor-finding.ts';
import type { WatchedPlace } from './watched-place.ts';

/** The newest checkpoint of a place. */
export interface CheckpointThere {
  readonly note: string;
  readonly head: TreeHead;
  /** The changes of the key that signs. */
  readonly rotations: readonly KeyRotation[];
  /** What witnesses have cosigned. */
  readonly attested: readonly Attested[];
}

/** That a witness has cosigned a checkpoint, and that checkpoint. */
export interface Attested extends Attestation {
  readonly note: string;
}

/**
 * @param seen the changes of a ledger's key that were seen before, by its origin
 * @throws Noticed where there is none that counts; as `WatchedPlace.read`
 */
export async function checkpointThere(
  place: WatchedPlace,
  verifiers: readonly Verifier[],
  witnesses: readonly Verifier[],
  seen: (origin: string) => readonly KeyRotation[],
): Promise<CheckpointThere> {
  // Before the checkpoint, which then covers what they cosigned.
  const cosigned: string[] = [];
  for (const { id } of witnesses) cosigned.push(await text(place, `${WITNESSES_FOLDER}/${id}`));
  const bytes = await place.read(CHECKPOINT_FILE, MAX_CHECKPOINT);
  if (bytes === undefined) throw new Noticed('CHECKPOINT_MISSING', 'there is no checkpoint');
  const note = bytes.toString();
  // After the checkpoint: a change is published before anything that the new key signs alone.
  const said = await place.read(ROTATIONS_FILE, MAX_ROTATIONS);
  const unchecked = openCheckpoint(note, []);
  const known = 'head' in unchecked ? seen(unchecked.head.origin) : [];
  const rotations = longerRotations(known, rotationsOf(said?.toString() ?? ''));
  const keys = keysInForce(verifiers, rotations);
  const head = headOf(note, keys);
  const found = attested([note, ...cosigned], keys, witnesses);
  return { note, head, rotations, attested: found.filter((one) => one.head.origin === head.origin) };
}

/** The newest of each witness. */
function attested(
  notes: readonly string[],
  verifiers: readonly Verifier[],
  witnesses: readonly Verifier[],
): Attested[] {
  const newest = new Map<Verifier, Attested>();
  for (const note of notes)
    for (const one of attestations([note], verifiers, witnesses))
      if (one.time > (newest.get(one.witness)?.time ?? 0)) newest.set(one.witness, { ...one, note });
  return [...newest.values()];
}

/** Bytes: as many signatures as a note may have, of which each may be one of 5,000 bytes. */
const MAX_CHECKPOINT = 131_072;

/** Bytes of some thousand changes of a key. */
const MAX_ROTATIONS = 16_777_216;

async function text(place: WatchedPlace, path: string): Promise<string> {
  return (await place.read(path, MAX_CHECKPOINT))?.toString() ?? '';
}

/** By a key that was changed for another, or came later. */
function signedAlone(note: string, { term, ...key }: Verifier): boolean {
  return term !== undefined && openCheckpoint(note, [key]).state === 'signed';
}

function headOf(note: string, verifiers: readonly Verifier[]): TreeHead {
  const opened = openCheckpoint(note, verifiers);
  if (!('head' in opened))
    throw opened.state === 'forged'
      ? new Noticed('BAD_SIGNATURE', 'the signature of the checkpoint does not verify with the given key')
      : new Noticed('CHECKPOINT_INVALID', 'what is there as a checkpoint is none');
  const former = opened.state === 'unknown_key' && verifiers.find((key) => signedAlone(note, key));
  if (former)
    throw new Noticed(
      'BAD_SIGNATURE',
      `the checkpoint is signed by the key ${former.id} alone, which was not in force then: the key has been changed`,
    );
  if (opened.state === 'unknown_key')
    throw new Noticed('UNKNOWN_KEY', 'no given key has signed the checkpoint');
  if (verifiers.some(({ name }) => name === opened.head.origin)) return opened.head;
  throw new Noticed(
    'CHECKPOINT_INVALID',
    'the checkpoint is of another ledger than that of the key that signed it',
  );
}
