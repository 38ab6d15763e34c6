import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import {
  entriesOf,
  openLedger,
  parseVerifierKey,
  publishedFault,
  publishLog,
  type Signer,
} from '../../../src/ledger/index.ts';
import { cosignerOf } from '../../../src/ledger/proof/cosignature.ts';
import { leafHashOf } from '../../../src/ledger/proof/merkle.ts';
import { generateKey } from '../../../src/ledger/proof/note.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { entries, newSigner, settingsFor, writeLedger } from '../written-ledger.ts';

const SEGMENT = 'segments/00000000000000000000.jsonl';

/** A ledger in a folder, and another folder to publish it to. */
async function ledger(records: number) {
  const folder = temporaryFolder();
  const [directory, out] = [join(folder, 'ledger'), join(folder, 'published')];
  const signer = newSigner();
  await writeLedger(directory, signer, records);
  return { directory, out, signer, ...acting(directory, out, signer) };
}

function acting(directory: string, out: string, signer: Signer) {
  const verifiers = [parseVerifierKey(signer.vkey)];
  return {
    publish: () => publishLog(directory, out, verifiers),
    fault: (size: number) => publishedFault(directory, out, verifiers, size),
  };
}

test('a published ledger is its checkpoint, its tiles and its records in bundles of 256', async () => {
  const { directory, out, publish } = await ledger(300);
  expect(publish()).toEqual({ size: 300, written: 5, deleted: 0 });
  expect(files(out)).toEqual([
    'checkpoint',
    'ledger.vkey',
    'tile/0/000',
    'tile/0/001.p/44',
    'tile/1/000.p/1',
    'tile/entries/000',
    'tile/entries/001.p/44',
  ]);
  const found = ['tile/entries/000', 'tile/entries/001.p/44'].map((path) =>
    entriesOf(readFileSync(join(out, path))),
  );
  const lines = readFileSync(join(directory, SEGMENT), 'utf8').trimEnd().split('\n');
  expect(found.flat().map((entry) => entry?.toString())).toEqual(lines);
  const [first] = found[0] ?? [];
  expect(leafHashOf(first ?? Buffer.of())).toEqual(readFileSync(join(out, 'tile/0/000')).subarray(0, 32));
});

test('what witnesses have cosigned is published, as far as the checkpoint covers it', async () => {
  const { directory, out, signer, publish } = await ledger(20);
  const cosigner = cosignerOf('witness.example/w1', generateKey());
  const cosigned = (size: number) => {
    const note = readFileSync(join(directory, 'checkpoint'), 'utf8');
    const text = note.slice(0, note.indexOf('\n\n') + 1);
    mkdirSync(join(directory, 'witnesses'), { recursive: true });
    writeFileSync(join(directory, 'witnesses', '0000000a'), note + cosigner.cosign(text, size));
  };
  cosigned(20);
  publish();
  expect(files(out)).toContain('witnesses/0000000a');
  // A witness that was faster than the export: that the published checkpoint has fewer records is no rollback.
  const before = readFileSync(join(directory, 'checkpoint'));
  await writeLedger(directory, signer, 30);
  cosigned(30);
  writeFileSync(join(directory, 'checkpoint'), before);
  publish();
  expect(readFileSync(join(out, 'witnesses/0000000a'), 'utf8')).toContain('\n20\n');
});

test('what has grown is brought up to date: parts stay until the whole is there', async () => {
  const { directory, out, signer, publish } = await ledger(300);
  publish();
  for (const [more, written, deleted] of [
    [100, 3, 0],
    [200, 5, 2],
    [0, 0, 0],
  ] as const) {
    const grown = openLedger(settingsFor(directory, signer));
    await Promise.all(entries(more, grown.size).map((entry) => grown.append(entry)));
    await grown.close();
    expect(publish()).toMatchObject({ written: more === 100 ? 2 : written, deleted });
  }
  expect(files(out).filter((path) => path.startsWith('tile/entries'))).toEqual([
    'tile/entries/000',
    'tile/entries/001',
    'tile/entries/002.p/88',
  ]);
});

test('bundles of deleted records go with them, and with the first bundle that has one', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1) });
  try {
    const folder = temporaryFolder();
    const [directory, out, signer] = [join(folder, 'ledger'), join(folder, 'published'), newSigner()];
    const { publish, fault } = acting(directory, out, signer);
    const retention = { policy: '7_days', period: 7 * 86_400_000 };
    const write = async (from: number, count: number) => {
      const open = openLedger(settingsFor(directory, signer, { segmentBytes: 150_000, retention }));
      for (let at = from; at < from + count; at += 50)
        await Promise.all(
          entries(50, at).map((entry) => open.append({ ...entry, retention_policy: '7_days' })),
        );
      await open.tend();
      await open.close();
    };
    await write(0, 600);
    publish();
    expect(existsSync(join(out, 'tile/entries/000'))).toBe(true);
    for (let day = 1; day <= 12; day += 1) {
      vi.setSystemTime(Date.now() + 86_400_000);
      await write(600 + day * 50, 50);
    }
    const first = Number(readdirSync(join(directory, 'segments')).sort()[0]?.slice(0, 20));
    expect(first).toBeGreaterThan(256);
    const { size } = publish();
    const kept = files(out).filter((path) => path.startsWith('tile/entries'));
    expect(kept[0]).toMatch(`tile/entries/00${Math.ceil(first / 256)}`);
    expect(fault(size)).toBeUndefined();
    // Somebody has put it back.
    writeFileSync(join(out, 'tile/entries/000'), '');
    expect(fault(size)?.reason).toMatch(/records that the ledger has deleted/);
  } finally {
    vi.useRealTimers();
  }
});

describe('what is not the ledger is not published', () => {
  test('a record that was changed, and one whose bytes only look the same', async () => {
    const { directory, publish } = await ledger(20);
    const path = join(directory, SEGMENT);
    const before = readFileSync(path);
    writeFileSync(path, before.toString().replace('main', 'mail'));
    expect(publish).toThrow(/a record from 0 on is missing, or not the one of its tile/);
    writeFileSync(path, Buffer.concat([before.subarray(0, 30), Buffer.of(0xff), before.subarray(31)]));
    expect(publish).toThrow(/not the one of its tile/);
    writeFileSync(path, before.subarray(0, -1));
    expect(publish).toThrow(/is missing/);
    writeFileSync(path, before);
    expect(publish()).toMatchObject({ size: 20 });
  });

  test('a tile inside the tree that was changed', async () => {
    const { directory, publish } = await ledger(600);
    const path = join(directory, 'tile/0/000');
    const tile = readFileSync(path);
    tile[5] = (tile[5] ?? 0) ^ 1;
    writeFileSync(path, tile);
    expect(publish).toThrow(/tile\/0\/000 does not lead to the one above it/);
    rmSync(path);
    expect(publish).toThrow(/tile\/0\/000 is missing/);
  });

  test('an older copy, and another history', async () => {
    const { directory, out, signer, publish } = await ledger(20);
    publish();
    rmSync(directory, { recursive: true });
    await writeLedger(directory, signer, 10);
    expect(publish).toThrow(/the published log has a checkpoint of 20 records, of which 10 are here/);
    rmSync(directory, { recursive: true });
    const other = openLedger(settingsFor(directory, signer));
    await Promise.all(entries(30, 1).map((entry) => other.append(entry)));
    await other.close();
    expect(publish).toThrow(/the first 20 records are not those of a checkpoint that the published log has/);
    expect(files(out)).toContain('tile/entries/000.p/20');
  });

  test('anything into its own folder, where its keys are', async () => {
    const { directory, signer } = await ledger(5);
    expect(() => publishLog(directory, directory, [parseVerifierKey(signer.vkey)])).toThrow(/another folder/);
  });
});

test('no change of what was published goes unnoticed', async () => {
  const { directory, out, publish, fault } = await ledger(300);
  publish();
  expect(fault(300)).toBeUndefined();
  const covered = files(out).filter((path) => path !== 'ledger.vkey');
  expect(covered).toHaveLength(6);
  for (const path of covered) {
    const content = readFileSync(join(out, path));
    const at = Math.floor(content.length / 2);
    const changed = Buffer.from(content);
    changed[at] = (changed[at] ?? 0) ^ 1;
    writeFileSync(join(out, path), changed);
    const found = fault(300);
    expect(found?.reason).toMatch(/^the published log is another: /);
    expect(found?.file).toBe(`../published/${path}`);
    if (path !== 'checkpoint') {
      expect(found?.offset).toBe(at);
      rmSync(join(out, path));
      expect(fault(300)?.reason).toMatch(/missing/);
    }
    writeFileSync(join(out, path), content);
  }
  // A checkpoint of more than the ledger has: it is the older one.
  expect(fault(299)?.reason).toMatch(/not of these records/);
  rmSync(join(directory, 'tile'), { recursive: true });
  expect(() => fault(300)).toThrow();
});

test('a bundle that is not one has no entries', () => {
  for (const bytes of [[0], [0, 2, 1], [0, 1, 7, 0]]) expect(entriesOf(Buffer.from(bytes))).toBeUndefined();
  expect(entriesOf(Buffer.of())).toEqual([]);
  expect(entriesOf(Buffer.of(0, 1, 7, 0, 0))).toEqual([Buffer.of(7), Buffer.of()]);
});

/** Below a folder, sorted. */
function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort();
}
