import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type ConserverChains, watchConserverChains } from '../../src/service/conserver-chains.ts';
import { PATIENCE } from '../support/eventually.ts';

let directory: string;
let path: string;
let chains: ConserverChains | undefined;
const troubles: string[] = [];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  directory = await mkdtemp(join(tmpdir(), 'vcon-otel-'));
  path = join(directory, 'config.yml');
});

afterEach(async () => {
  chains?.close();
  chains = undefined;
  troubles.length = 0;
  vi.useRealTimers();
  await rm(directory, { recursive: true });
});

/** As an editor or a ConfigMap does it: at once. */
async function write(text: string) {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

async function watch(text?: string) {
  if (text !== undefined) await write(text);
  chains = await watchConserverChains(path, (detail) => troubles.push(detail));
  return chains;
}

/** Lets it look at the file until something is as it should be. */
const seen = (look: () => boolean) =>
  vi.waitUntil(() => {
    vi.advanceTimersByTime(2_000);
    return look();
  }, PATIENCE);

const main = (links: string) =>
  `chains: { main: { links: [${links}], storages: [s1], ingress_lists: [in] } }`;

test('the chains are there from the start, and as the file has them after a change', async () => {
  const { get, all } = await watch(main('a, b'));
  expect(get('main')).toEqual({ links: ['a', 'b'], storages: ['s1'] });
  expect(get('other')).toBeUndefined();
  await write(`${main('a')}\n`);
  await seen(() => get('main')?.links.length === 1);
  expect([...all().keys()]).toEqual(['main']);
});

test('a file that is broken, or gone, for a while leaves what was read before, and is reported', async () => {
  const { get } = await watch(main('a, b'));
  await write('chains: { main: [');
  await seen(() => troubles.length > 0);
  expect(get('main')?.links).toEqual(['a', 'b']);
  await rm(path);
  await seen(() => troubles.some((trouble) => trouble.includes('ENOENT')));
  expect(get('main')?.links).toEqual(['a', 'b']);
  await write(main('c'));
  await seen(() => get('main')?.links[0] === 'c');
});

test('a file that is not there yet is read when it is', async () => {
  const { get } = await watch();
  expect(troubles).toEqual(['it cannot be read (ENOENT)']);
  await write(main('a'));
  await seen(() => get('main') !== undefined);
});

test('the file is read as leniently as the server reads it', async () => {
  const { all, get } = await watch(`
tracers:
  # all of them commented out
chains:
  main: { links: [a], enabled: 1, unknown: { key: 1 } }
  main: { links: [a, b] }
  none: { links: , storages: }
  odd: just a text
  mixed: { links: [a, 1, { b: c }] }
imports: [anything]
`);
  expect(get('main')).toEqual({ links: ['a', 'b'], storages: [] });
  expect(get('none')).toEqual({ links: [], storages: [] });
  expect(get('mixed')?.links).toEqual(['a']);
  expect([...all().keys()]).toEqual(['main', 'none', 'odd', 'mixed']);
  expect(troubles).toEqual([]);
});

test.for(['', 'chains:', 'chains: {}', '# nothing'])('a file without chains has none: %j', async (text) => {
  expect((await watch(text)).all().size).toBe(0);
  expect(troubles).toEqual([]);
});

test('what is reported never quotes the file', async () => {
  await watch('chains: { main: { links: [secret-of-mine');
  expect(troubles.join()).not.toContain('secret');
});
