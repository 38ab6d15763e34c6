import { consistencyProof } from '../../../src/ledger/proof/consistency.ts';
import { EMPTY_ROOT, leafHash, nodeHash, splitPoint } from '../../../src/ledger/proof/merkle.ts';
import type { Signer } from '../../../src/ledger/proof/note.ts';
import { addCheckpointBody } from '../../../src/ledger/witness/add-checkpoint.ts';

/** A log in memory that says of itself what it is told to say. */
export function grownLog(signer: Signer, entries = 40, salt = '', origin = signer.name) {
  const leaves = Array.from({ length: entries }, (_, i) => Buffer.from(leafHash(`${salt}${i}`), 'hex'));
  const root = (start: number, end: number): Buffer => {
    if (start === end) return EMPTY_ROOT;
    if (end - start === 1) return leaves[start] ?? EMPTY_ROOT;
    const middle = start + splitPoint(end - start);
    return nodeHash(root(start, middle), root(middle, end));
  };
  const text = (size: number) => `${origin}\n${size}\n${root(0, size).toString('base64')}\n`;
  const proof = (old: number, size: number) => consistencyProof(old, size, root);
  return {
    text,
    proof,
    checkpoint: (size: number) => signer.sign(text(size)),
    /** What it asks of a witness that has seen so much. */
    asks: (oldSize: number, size: number) =>
      addCheckpointBody({ oldSize, proof: proof(oldSize, size), note: signer.sign(text(size)) }),
  };
}
