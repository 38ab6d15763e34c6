import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { demoChains } from '../../../src/cli/demo/chains.ts';
import { archive } from '../../../src/cli/demo/storages/archive.ts';
import {
  MAX_DOCUMENT_BYTES,
  openWarehouse,
  type Warehouse,
} from '../../../src/cli/demo/storages/warehouse.ts';
import { memoryVconStore } from '../../../src/vcon-store/memory.ts';
import { stepFor } from './run-link.ts';
import { shippedText } from './shipped.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vcon-otel-demo-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function storeOf(uuid: string, text: string) {
  const vcons = memoryVconStore();
  await vcons.write(uuid, text);
  return vcons;
}

describe('archive', () => {
  test('keeps a document as it is, the latest under its uuid, and nothing beside it', async () => {
    const vcons = await storeOf('u-1', '{"a":1}');
    const storage = archive(directory);
    await storage.save('u-1', stepFor('archive', vcons));
    await vcons.write('u-1', '{"a":2}');
    await storage.save('u-1', stepFor('archive', vcons));
    expect(await readdir(directory)).toEqual(['u-1.vcon.json']);
    expect(await readFile(join(directory, 'u-1.vcon.json'), 'utf8')).toBe('{"a":2}');
  });

  test.each(['../../outside', '', '.', '/etc/x', 'a'.repeat(1000), '\ud800', 'a\0b'])(
    'a uuid like %j stays inside the directory',
    async (uuid) => {
      await archive(directory).save(uuid, stepFor('archive', await storeOf(uuid, '{}')));
      expect(await readdir(directory)).toEqual([expect.stringMatching(/^[\da-f]{64}\.vcon\.json$/)]);
    },
  );

  test('leaves nothing behind when its time is up', async () => {
    const step = stepFor('archive', await storeOf('u-1', '{}'), AbortSignal.abort());
    await expect(archive(directory).save('u-1', step)).rejects.toThrow();
    expect(await readdir(directory)).toEqual([]);
  });

  test('fails on a vCon that is gone, and where its directory is gone', async () => {
    const step = stepFor('archive', memoryVconStore());
    await expect(archive(directory).save('u-1', step)).rejects.toMatchObject({ code: 'VCON_INVALID' });
    const elsewhere = archive(join(directory, 'gone'));
    await expect(elsewhere.save('u-1', stepFor('archive', await storeOf('u-1', '{}')))).rejects.toThrow();
  });
});

describe('warehouse', () => {
  let warehouse: Warehouse;
  beforeEach(() => {
    warehouse = openWarehouse(join(directory, 'warehouse.db'));
  });
  afterEach(() => warehouse.close());

  async function save(uuid: string, text: string) {
    await warehouse.storage.save(uuid, stepFor('warehouse', await storeOf(uuid, text)));
  }

  function rows(): unknown[] {
    warehouse.close();
    const database = new DatabaseSync(join(directory, 'warehouse.db'), { readOnly: true });
    try {
      return database.prepare('SELECT uuid, parties, dialogs, size, document FROM vcons').all();
    } finally {
      database.close();
    }
  }

  test('keeps one row for each uuid, the latest', async () => {
    await save('u-1', '{}');
    await save('u-1', '{"parties":[{},{}],"dialog":[{}],"subject":"é"}');
    expect(rows()).toEqual([
      {
        uuid: 'u-1',
        parties: 2,
        dialogs: 1,
        size: 48,
        document: '{"parties":[{},{}],"dialog":[{}],"subject":"é"}',
      },
    ]);
  });

  test('refuses the vCon with audio in it, and takes the meeting', async () => {
    await expect(save('large', shippedText('oral-history-audio-es'))).rejects.toMatchObject({
      code: 'ERR_SQLITE_ERROR',
    });
    await save('meeting', shippedText('council-meeting-en'));
    expect(rows()).toMatchObject([{ uuid: 'meeting' }]);
  });

  test('measures a document in bytes', async () => {
    const filled = (bytes: number) => JSON.stringify({ subject: 'é'.repeat((bytes - 14) / 2) });
    await save('fits', filled(MAX_DOCUMENT_BYTES));
    await expect(save('does not', filled(MAX_DOCUMENT_BYTES + 2))).rejects.toThrow();
    expect(rows()).toMatchObject([{ uuid: 'fits', size: MAX_DOCUMENT_BYTES }]);
  });

  test('fails on what is no vCon, and when its time is up', async () => {
    await expect(save('u-1', 'no')).rejects.toMatchObject({ code: 'VCON_INVALID' });
    const step = stepFor('warehouse', await storeOf('u-1', '{}'), AbortSignal.abort());
    await expect(warehouse.storage.save('u-1', step)).rejects.toThrow();
    expect(rows()).toEqual([]);
  });

  test('can be closed twice, and be opened again on what it kept', async () => {
    await save('u-1', '{}');
    warehouse.close();
    warehouse.close();
    warehouse = openWarehouse(join(directory, 'warehouse.db'));
    await save('u-2', '{}');
    expect(rows()).toHaveLength(2);
  });
});

test('a directory that cannot be used is refused before anything runs', async () => {
  const file = join(directory, 'file');
  await writeFile(file, 'not a directory');
  expect(() => demoChains({ directory: file })).toThrow(expect.objectContaining({ code: 'FILE_UNUSABLE' }));
  await writeFile(
    join(directory, 'warehouse.db'),
    'not a database, and long enough not to be taken for an empty one',
  );
  expect(() => demoChains({ directory })).toThrow(expect.objectContaining({ code: 'FILE_UNUSABLE' }));
});
