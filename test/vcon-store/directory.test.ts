import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, open, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MAX_VCON_LENGTH } from '../../src/model/vcon.ts';
import { ENDINGS } from '../../src/vcon-store/directory/directory-vcon-store.ts';
import { directoryVconStore, type ListedVcon, listVcons } from '../../src/vcon-store/index.ts';
import { vconStoreContract } from './contract.ts';

let path: string;

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'vcons-'));
});

afterEach(() => rm(path, { recursive: true, force: true }));

describe('the store in a directory', () => {
  vconStoreContract(async () => directoryVconStore({ path }));

  test('a document is one file, and nothing else is left beside it', async () => {
    await directoryVconStore({ path }).write('v-1', '{"uuid":"v-1"}');
    expect(await readdir(path)).toEqual(['v-1.vcon.json']);
    expect(await readFile(join(path, 'v-1.vcon.json'), 'utf8')).toBe('{"uuid":"v-1"}');
  });

  test.each(ENDINGS.flatMap((ending) => [ending, join('2026/05/01', ending)]))(
    'a document that somebody else has put into …%s is found and listed',
    async (name) => {
      const file = join(path, dirname(name), `v-1${basename(name)}`);
      await mkdir(dirname(file), { recursive: true });
      const text = '{"uuid":"v-1"}';
      await writeFile(file, name.endsWith('.gz') ? gzipSync(text) : text);
      const store = directoryVconStore({ path });
      expect([await store.read('v-1'), await store.read('v-2')]).toEqual([text, undefined]);
      const listed: ListedVcon[] = [];
      for await (const vcon of listVcons(path)) listed.push(vcon);
      expect(listed).toEqual([{ file: relative(path, file), uuid: 'v-1', text }]);
    },
  );

  test('what unpacks to more than a document may have is refused', async () => {
    await writeFile(join(path, 'v-1.json.gz'), gzipSync(Buffer.alloc(MAX_VCON_LENGTH + 1)));
    const failure = directoryVconStore({ path }).read('v-1');
    await expect(failure).rejects.toMatchObject({ code: 'VCON_TOO_LARGE' });
  });

  test.each([
    '../outside',
    '..',
    '.hidden',
    '',
    'a/b',
    'a\\b',
    '/etc/passwd',
    'a\0b',
    'a\n',
    'ü',
    'x'.repeat(129),
  ])('a uuid that is no plain name (%j) reads as undefined and cannot be written', async (uuid) => {
    const inner = join(path, 'inner');
    await mkdir(inner);
    await writeFile(join(path, 'outside.vcon.json'), '{}');
    const store = directoryVconStore({ path: inner });
    expect(await store.read(uuid)).toBeUndefined();
    await expect(store.write(uuid, '{}')).rejects.toMatchObject({ code: 'VCON_INVALID' });
    expect(await readdir(inner)).toEqual([]);
  });

  test('a failed write leaves no temporary file, and its error does not name the document', async () => {
    await mkdir(join(path, 'v-1.vcon.json', 'in-the-way'), { recursive: true });
    const store = directoryVconStore({ path });
    const failure = await store.write('v-1', '{}').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(inspect(failure)).not.toContain('v-1');
    expect(await readdir(path)).toEqual(['v-1.vcon.json']);
    expect(await store.read('v-1')).toBeUndefined();
  });

  test('a file that is too large is refused before it is read', async () => {
    await sparseFile(join(path, 'v-1.vcon.json'), MAX_VCON_LENGTH + 1);
    await expect(directoryVconStore({ path }).read('v-1')).rejects.toMatchObject({ code: 'VCON_TOO_LARGE' });
  });

  test('a named pipe is not waited for', async () => {
    execFileSync('mkfifo', [join(path, 'v-1.vcon.json')]);
    expect(await directoryVconStore({ path }).read('v-1')).toBeUndefined();
  });

  test('a directory that is missing, or is a file, is refused at once', async () => {
    await writeFile(join(path, 'file'), '');
    for (const name of ['missing', 'file'])
      expect(() => directoryVconStore({ path: join(path, name) })).toThrow(
        expect.objectContaining({ code: 'FILE_UNUSABLE' }),
      );
  });
});

describe('listVcons', () => {
  test('gives the JSON files in the order of their names, each with the uuid inside', async () => {
    await writeFile(join(path, 'call-17.vcon.json'), '{"uuid":"v-17"}');
    await writeFile(join(path, 'call-02.json'), '{"uuid":"v-2"}');
    await writeFile(join(path, 'signed.vcon.json'), '{"payload":"x","signatures":[]}');
    await writeFile(join(path, 'notes.txt'), 'no');
    await writeFile(join(path, '.hidden.json'), '{"uuid":"v-0"}');
    await writeFile(join(path, 'z.json'), '\ufeff{"uuid":"v-9"}');
    expect(await listed()).toEqual([
      { file: 'call-02.json', uuid: 'v-2', text: '{"uuid":"v-2"}' },
      { file: 'call-17.vcon.json', uuid: 'v-17', text: '{"uuid":"v-17"}' },
      {
        file: 'notes.txt',
        error: expect.objectContaining({ message: `not called ${ENDINGS.join(', ')}` }),
      },
      { file: 'signed.vcon.json', uuid: undefined, text: '{"payload":"x","signatures":[]}' },
      { file: 'z.json', uuid: 'v-9', text: '{"uuid":"v-9"}' },
    ]);
  });

  test('a file that holds no vCon is listed with an error that says nothing of it', async () => {
    const files = {
      'a-empty.json': '',
      'b-truncated.json': '{"uuid":"canary-uuid","parties":[{"tel":"+15550100',
      'c-text.json': 'canary text',
      'd-array.json': '["canary"]',
      'e-shape.json': '{"uuid":"canary","parties":"canary"}',
      'f-binary.json': Buffer.from([0xff, 0xfe, 0x00, 0x80]),
      'g-deep.json': `${'['.repeat(200_000)}`,
    };
    for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
    const found = await listed();
    expect(found.map(({ file }) => file)).toEqual(Object.keys(files));
    for (const entry of found) {
      expect(entry).toMatchObject({ error: { code: 'VCON_INVALID' } });
      expect('error' in entry && String(entry.error)).not.toMatch(/canary|1555|json\b/);
    }
  });

  test('a file that cannot be read does not hide the others', async () => {
    await mkdir(join(path, 'a-directory.json'));
    await symlink(join(path, 'nowhere'), join(path, 'b-dangling.json'));
    execFileSync('mkfifo', [join(path, 'c-pipe.json')]);
    await sparseFile(join(path, 'd-large.json'), MAX_VCON_LENGTH + 1);
    await writeFile(join(path, 'e-good.json'), '{"uuid":"v-1"}');
    const codes = (await listed()).map((entry) => ('error' in entry ? entry.error.code : entry.uuid));
    expect(codes).toEqual(['FILE_UNUSABLE', 'FILE_UNUSABLE', 'FILE_UNUSABLE', 'VCON_TOO_LARGE', 'v-1']);
  });

  test('a document of 50 MB is given', async () => {
    await writeFile(join(path, 'big.json'), `{"uuid":"v-1","body":"${'A'.repeat(50 * 1024 * 1024)}"}`);
    const [entry] = await listed();
    expect(entry && 'uuid' in entry && entry.uuid).toBe('v-1');
  });

  test('a __proto__ in a document gives it no uuid and changes no object', async () => {
    await writeFile(join(path, 'proto.json'), '{"__proto__":{"uuid":"canary"}}');
    expect(await listed()).toMatchObject([{ uuid: undefined }]);
    expect('uuid' in {}).toBe(false);
  });

  test('a directory that is missing is refused', async () => {
    await expect(listVcons(join(path, 'missing')).next()).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
  });
});

async function listed(): Promise<ListedVcon[]> {
  const found = [];
  for await (const entry of listVcons(path)) found.push(entry);
  return found;
}

async function sparseFile(file: string, size: number): Promise<void> {
  const handle = await open(file, 'w');
  await handle.truncate(size);
  await handle.close();
}
