import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { consistencyProof, isConsistent } from '../../../src/ledger/proof/consistency.ts';
import { EMPTY_ROOT, leafHash, nodeHash, splitPoint } from '../../../src/ledger/proof/merkle.ts';

/** The entries of certificate-transparency's own tests, as in merkle.test.ts. */
const ENTRIES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((hex) => Buffer.from(hex, 'hex').toString());

function treeOf(entries: readonly string[]) {
  const leaves = entries.map((entry) => Buffer.from(leafHash(entry), 'hex'));
  const root = (start: number, end: number): Buffer => {
    if (start === end) return EMPTY_ROOT;
    if (end - start === 1) return leaves[start] ?? EMPTY_ROOT;
    const middle = start + splitPoint(end - start);
    return nodeHash(root(start, middle), root(middle, end));
  };
  return {
    root,
    head: (size: number) => ({ size, root: root(0, size) }),
    proof: (old: number, size: number) => consistencyProof(old, size, root),
  };
}

const tree = treeOf(ENTRIES);
/** Seventy leaves: more than one tile level would have room for is not what this is about. */
const larger = treeOf(Array.from({ length: 70 }, (_, i) => `entry ${i}`));
const sizes = fc.tuple(fc.nat(70), fc.nat(70)).map(([one, other]) => [one, other].sort((a, b) => a - b));

/** From certificate-transparency (merkletree/merkle_tree_test.cc). */
const VECTORS: readonly (readonly [old: number, size: number, proof: readonly string[]])[] = [
  [1, 1, []],
  [
    1,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    6,
    8,
    [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [
    2,
    5,
    [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
];

describe('consistency', () => {
  test.each(VECTORS)('from %i to %i leaves is as certificate-transparency proves it', (old, size, proof) => {
    expect(tree.proof(old, size).map((hash) => hash.toString('hex'))).toEqual(proof);
  });

  test('any proof of a tree that grew holds', () => {
    fc.assert(
      fc.property(sizes, ([old = 0, size = 0]) => {
        expect(isConsistent(larger.head(old), larger.head(size), larger.proof(old, size))).toBe(true);
      }),
    );
  });

  test('no proof holds for another tree, with a hash more or less, or with another hash', () => {
    const other = treeOf(Array.from({ length: 70 }, (_, i) => `entry ${i === 0 ? 'other' : i}`));
    fc.assert(
      fc.property(sizes, fc.nat(12), fc.nat(31), ([old = 0, size = 0], at, byte) => {
        const [from, to, proof] = [larger.head(old), larger.head(size), larger.proof(old, size)];
        const stray = Buffer.alloc(32, 7);
        expect(isConsistent(from, to, [...proof, stray])).toBe(false);
        expect(isConsistent(from, to, [stray, ...proof])).toBe(false);
        if (size > 0) expect(isConsistent(from, { size, root: stray }, proof)).toBe(old === 0);
        if (old > 0) expect(isConsistent(other.head(old), to, other.proof(old, size))).toBe(false);
        if (proof.length === 0) return;
        expect(isConsistent(from, to, proof.slice(1))).toBe(false);
        const bent = proof.map((hash) => Buffer.from(hash));
        const hash = bent[at % bent.length];
        hash?.writeUInt8((hash.readUInt8(byte) + 1) % 256, byte);
        expect(isConsistent(from, to, bent)).toBe(false);
      }),
    );
  });

  test('a tree does not shrink', () => {
    expect(isConsistent(larger.head(5), larger.head(4), [])).toBe(false);
  });
});
