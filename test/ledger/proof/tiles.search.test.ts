import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { leafHash, MerkleFrontier, rootFromProof } from '../../../src/ledger/proof/merkle.ts';
import { tilePath, writeTiles } from '../../../src/ledger/proof/tile.ts';
import { TileEdge } from '../../../src/ledger/proof/tile-edge.ts';
import { TileReader } from '../../../src/ledger/proof/tile-reader.ts';
import { proofOf } from '../../../src/ledger/verify/vcon-proof.ts';
import { IS_LONG } from '../../support/search.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const leafOf = (i: number) => Buffer.from(leafHash(String(i)), 'hex');

/** The tiles of a tree of so many leaves, on the disk. */
function tilesOf(directory: string, size: number, from?: TileReader) {
  const edge = new TileEdge(from);
  for (let i = edge.frontier.size; i < size; i += 1) edge.frontier.push(leafOf(i));
  writeTiles(directory, [...edge.takeFull(), ...edge.partial()]);
  return edge.frontier.root();
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(directory.length + 1))
    .sort();
}

// The examples of C2SP tlog-tiles.
test('a tile lies where the specification says', () => {
  expect(tilePath(0, 1_234_067)).toBe('tile/0/x001/x234/067');
  expect(tilePath(2, 0, 1)).toBe('tile/2/000.p/1');
  expect(tilePath(1, 999)).toBe('tile/1/999');
  expect(tilePath(1, 1_000)).toBe('tile/1/x001/000');
});

test('a tree of 70,000 has the tiles that the specification counts', () => {
  const directory = temporaryFolder();
  tilesOf(directory, 70_000);
  const files = filesIn(directory);
  expect(files.filter((file) => /^tile\/0\/\d{3}$/.test(file))).toHaveLength(273);
  expect(files.filter((file) => !/^tile\/0\/\d{3}$/.test(file))).toEqual([
    'tile/0/273.p/112',
    'tile/1/000',
    'tile/1/001.p/17',
    'tile/2/000.p/1',
  ]);
});

test('a tree of 256 is a full tile and a partial one above it', () => {
  const directory = temporaryFolder();
  tilesOf(directory, 256);
  expect(filesIn(directory)).toEqual(['tile/0/000', 'tile/1/000.p/1']);
});

const SIZES = [1, 2, 255, 256, 257, 1_000, ...(IS_LONG ? [65_535, 65_536, 65_537] : [])];

test.each(SIZES)('the tree of %i is known from its tiles alone, and grows on from there', (size) => {
  const directory = temporaryFolder();
  const root = tilesOf(directory, size);
  const reader = new TileReader(directory, size);
  expect(new MerkleFrontier(undefined, size, reader.subtrees()).root()).toEqual(root);
  for (const index of [0, size >> 1, size - 1]) {
    const proof = proofOf(reader, index).map((text) => Buffer.from(text, 'base64'));
    expect(rootFromProof(leafOf(index), index, size, proof)).toEqual(root);
  }
  const grown = tilesOf(directory, size + 300, reader);
  expect(grown).toEqual(tilesOf(temporaryFolder(), size + 300));
});
