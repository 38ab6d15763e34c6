import type { TreeHead } from '../proof/checkpoint.ts';
import { consistencyProof, isConsistent } from '../proof/consistency.ts';
import type { FetchedTiles } from './fetched-tiles.ts';
import { Noticed } from './monitor-finding.ts';

/**
 * Whether a tree has grown from an older one, by its tiles. What they say counts only where it leads to the root that was
 * signed: then the roots differ because two histories were signed, and not because of a tile.
 * @param size records of the older one, at most as many
 * @returns the root that the tree had then
 * @throws Noticed where the tiles are not those of the tree
 */
export async function rootThen(head: TreeHead, tiles: FetchedTiles, size: number): Promise<Buffer> {
  const { root, holds } = await tiles.say((tree) => {
    const then = { size, root: tree.sizeRoot(size) };
    const proof = consistencyProof(size, head.size, (start, end) => tree.root(start, end));
    return { root: then.root, holds: isConsistent(then, head, proof) };
  });
  if (holds) return root;
  throw new Noticed('TILES_DAMAGED', 'the tiles do not lead to the root of the checkpoint');
}

/**
 * @param older a checkpoint of the same ledger, and its note
 * @param where it was
 * @throws Noticed where the tree has not grown from it
 */
export async function requireGrownFrom(
  head: TreeHead,
  tiles: FetchedTiles,
  older: TreeHead,
  note: string,
  where: string,
): Promise<void> {
  if (older.root.equals(await rootThen(head, tiles, older.size))) return;
  throw new Noticed(
    'LEDGER_FORKED',
    `the checkpoint of ${head.size} records has not grown from that of ${older.size} ${where}: the ledger has two histories, and its key has signed both`,
    note,
  );
}
