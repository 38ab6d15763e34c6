import { randomInt } from 'node:crypto';
import { parseLine } from '../log/record.ts';
import type { TreeHead } from '../proof/checkpoint.ts';
import { inclusionProof, leafHashOf, rootFromProof } from '../proof/merkle.ts';
import { recordsAt } from './entry-at.ts';
import type { FetchedTiles } from './fetched-tiles.ts';
import { Noticed } from './monitor-finding.ts';
import type { WatchedPlace } from './watched-place.ts';

/** What came of looking at a few records. */
export interface Sampled {
  /** How many were there, and are in the checkpoint's tree. */
  readonly records: number;
  /** When the newest that the checkpoint covers was recorded, as it says: milliseconds since the epoch. */
  readonly last: number | undefined;
}

/**
 * Looks whether the newest record, and some others, are those that a checkpoint covers.
 * @param must whether there were records to be had before: then there must be some now
 * @throws Noticed where one is not, or is missing; as `WatchedPlace.read`
 */
export async function sample(
  place: WatchedPlace,
  head: TreeHead,
  tiles: FetchedTiles,
  count: number,
  must: boolean,
): Promise<Sampled> {
  const { first, at } = recordsAt(place, head.size);
  const newest = head.size - 1;
  const from = first ?? 0;
  if (newest < from) return { records: 0, last: undefined };
  const chosen = new Set([newest]);
  while (chosen.size < Math.min(count + 1, head.size - from)) chosen.add(from + below(head.size - from));
  let [records, last]: [number, number | undefined] = [0, undefined];
  for (const index of chosen) {
    const entry = await at(index);
    if (!entry) {
      if (isExpired(place, head.size, index)) continue;
      // Where entry bundles begin nothing says, but the newest is there, or none is.
      if (first !== undefined || (index === newest && must))
        throw new Noticed('RECORD_MISSING', `record ${index} is missing, which the checkpoint covers`);
      if (index === newest) return { records: 0, last: undefined };
      continue;
    }
    await requireIncluded(entry, index, head, tiles);
    records += 1;
    if (index === newest) last = recordedAt(entry);
  }
  return { records, last };
}

/** Retention may have deleted it meanwhile. */
function isExpired(place: WatchedPlace, size: number, index: number): boolean {
  const { first = 0 } = recordsAt(place, size);
  return index < first;
}

async function requireIncluded(
  entry: Buffer,
  index: number,
  { size, root }: TreeHead,
  tiles: FetchedTiles,
): Promise<void> {
  const { leaf, proof } = await tiles.say((tree) => ({
    leaf: tree.hash(0, index),
    proof: inclusionProof(index, size, (start, end) => tree.root(start, end)),
  }));
  const leads = (hash: Buffer) => rootFromProof(hash, index, size, proof)?.equals(root) === true;
  if (leads(leafHashOf(entry))) return;
  throw leads(leaf)
    ? new Noticed('RECORD_NOT_INCLUDED', `record ${index} is not the one that the checkpoint covers`)
    : new Noticed('TILES_DAMAGED', `the tiles of record ${index} do not lead to the root of the checkpoint`);
}

/** Undefined for an entry of somebody else's log. */
function recordedAt(entry: Buffer): number | undefined {
  const parsed = parseLine(entry.toString());
  return 'record' in parsed ? Date.parse(parsed.record.recorded_at) : undefined;
}

/** A random number from 0 on. `randomInt` goes up to 2^48, far more records than there are. */
function below(end: number): number {
  return randomInt(Math.min(end, 2 ** 48 - 1));
}
