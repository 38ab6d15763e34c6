import { EMPTY_ROOT, HASH_BYTES, nodeHash, type RangeRoot, splitPoint } from './merkle.ts';

/**
 * The proof that a tree of `size` leaves has grown from one of `old` leaves (RFC 6962 §2.1.2). Empty where there is nothing
 * to prove: from no leaves, and from as many.
 * @param old at most `size`
 */
export function consistencyProof(old: number, size: number, root: RangeRoot): Buffer[] {
  if (old === 0 || old === size) return [];
  const proof: Buffer[] = [];
  let [start, end] = [0, size];
  // Down to the subtree that is the right edge of the old tree.
  while (old < end) {
    const middle = start + splitPoint(end - start);
    if (old <= middle) {
      proof.push(root(middle, end));
      end = middle;
    } else {
      proof.push(root(start, middle));
      start = middle;
    }
  }
  // Whoever checks it knows the old root, which is the subtree's where that is the whole old tree.
  if (start > 0) proof.push(root(start, end));
  return proof.reverse();
}

/** Whether a proof leads from a tree's root to that of the larger one that it has become (RFC 9162 §2.1.4.2). */
export function isConsistent(
  old: { readonly size: number; readonly root: Buffer },
  grown: { readonly size: number; readonly root: Buffer },
  proof: readonly Buffer[],
): boolean {
  if (old.size > grown.size || proof.some((hash) => hash.length !== HASH_BYTES)) return false;
  if (old.size === grown.size) return proof.length === 0 && old.root.equals(grown.root);
  if (old.size === 0) return proof.length === 0 && old.root.equals(EMPTY_ROOT);
  const path = isPowerOfTwo(old.size) ? [old.root, ...proof] : proof;
  const [first, ...rest] = path;
  if (!first || proof.length === 0) return false;
  let [at, last] = [old.size - 1, grown.size - 1];
  while (at % 2 === 1) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  let [oldRoot, newRoot] = [first, first];
  for (const hash of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      oldRoot = nodeHash(hash, oldRoot);
      newRoot = nodeHash(hash, newRoot);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else newRoot = nodeHash(newRoot, hash);
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && oldRoot.equals(old.root) && newRoot.equals(grown.root);
}

function isPowerOfTwo(size: number): boolean {
  return 2 ** Math.round(Math.log2(size)) === size;
}
