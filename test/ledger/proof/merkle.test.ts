import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  EMPTY_ROOT,
  inclusionProof,
  leafHash,
  MerkleFrontier,
  nodeHash,
  rootFromProof,
  splitPoint,
} from '../../../src/ledger/proof/merkle.ts';

/** The entries and tree heads of certificate-transparency's own tests (merkletree/merkle_tree_test.cc). */
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
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const LEAVES = ENTRIES.map(leafOf);

function leafOf(entry: string): Buffer {
  return Buffer.from(leafHash(entry), 'hex');
}

/** RFC 6962 §2.1, as it is written there. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (!only) return hash('sha256', '', 'buffer');
  if (leaves.length === 1) return only;
  const split = splitPoint(leaves.length);
  return nodeHash(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

const proofIn = (leaves: readonly Buffer[], index: number) =>
  inclusionProof(index, leaves.length, (start, end) => treeHash(leaves.slice(start, end)));

describe('the vectors of certificate-transparency', () => {
  test.each([...ROOTS.entries()])('the tree of %i entries', (size, root) => {
    const frontier = new MerkleFrontier();
    for (const leaf of LEAVES.slice(0, size)) frontier.push(leaf);
    expect(frontier.root().toString('hex')).toBe(root);
  });

  test.each([
    [0, 1, []],
    [
      0,
      8,
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    ],
    [
      5,
      8,
      [
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
  ])('the way from entry %i to the root of %i', (index, size, path) => {
    const proof = proofIn(LEAVES.slice(0, size), index);
    expect(proof.map((sibling) => sibling.toString('hex'))).toEqual(path);
  });

  test('the empty tree', () => expect(new MerkleFrontier().root()).toEqual(EMPTY_ROOT));
});

describe('in any tree', () => {
  const tree = fc
    .integer({ min: 1, max: 600 })
    .chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1)));
  const leaves = Array.from({ length: 600 }, (_, i) => leafOf(String(i)));

  test('the frontier has the root that the RFC defines', () => {
    const frontier = new MerkleFrontier();
    for (const [i, leaf] of leaves.entries()) {
      frontier.push(leaf);
      if (i % 37 === 0) expect(frontier.root()).toEqual(treeHash(leaves.slice(0, i + 1)));
    }
  });

  test('a proof leads to the root, and to another one from anything else', () => {
    fc.assert(
      fc.property(tree, fc.nat(31), ([size, index], byte) => {
        const some = leaves.slice(0, size);
        const root = treeHash(some);
        const leaf = some[index] ?? EMPTY_ROOT;
        const proof = proofIn(some, index);
        expect(rootFromProof(leaf, index, size, proof)).toEqual(root);
        expect(rootFromProof(leafOf('other'), index, size, proof)).not.toEqual(root);
        expect(rootFromProof(leaf, index, size, [...proof, root])).toBeUndefined();
        expect(rootFromProof(leaf, size, size, proof)).toBeUndefined();
        if (proof.length === 0) return;
        expect(rootFromProof(leaf, index, size, proof.slice(1))).not.toEqual(root);
        expect(rootFromProof(leaf, index ^ 1, size, proof)).not.toEqual(root);
        const changed = proof.map((sibling) => Buffer.from(sibling));
        const [first] = changed;
        if (first) first[byte] = (first[byte] ?? 0) ^ 1;
        expect(rootFromProof(leaf, index, size, changed)).not.toEqual(root);
      }),
      { numRuns: 50 },
    );
  });
});
