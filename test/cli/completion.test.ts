import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runInProcess } from './in-process.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-completion-'));
  await writeFile(
    join(folder, 'config.yaml'),
    `tracers: { audit: { module: tracers.audit_log }, mine: { module: ./x.ts } }
chains: { main: {}, second: {} }
conserver_config: ${join(folder, 'server.yml')}
`,
  );
  await writeFile(join(folder, 'server.yml'), 'chains: { main: { links: [] }, theirs: { links: [] } }\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each<[string[], string[]]>([
  [['va'], ['validate']],
  [
    ['queue', ''],
    ['stats', 'peek', 'dead', 'retry', 'skip', 'forget'],
  ],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['timeline', '--for'], ['--format']],
  [['timeline', '--format', 's'], ['svg']],
  [['validate', ''], []],
  [['queue', 'peek', '--tracer', ''], []],
])('%j may become %j', async (words, expected) => {
  const { code, stdout } = await runInProcess(['complete', '--', ...words]);
  expect([code, stdout.split('\n').filter(Boolean)]).toEqual([0, expected]);
});

test.each<[string[], string[]]>([
  [
    ['queue', 'peek', '--config', 'FILE', '--tracer', ''],
    ['audit', 'mine'],
  ],
  [['tap', '--config', 'FILE', '--chain', 's'], ['second']],
  [['tap', '--config', 'FILE', '--chain=s'], ['second']],
  [['tap', '--config', 'FILE', '--chain', '=', 's'], ['second']],
  [
    ['tap', '--config', 'FILE', '--chain', ''],
    ['main', 'second', 'theirs'],
  ],
])('names are those of the configuration: %j', async (words, expected) => {
  const file = join(folder, 'config.yaml');
  const { stdout } = await runInProcess([
    'complete',
    '--',
    ...words.map((word) => (word === 'FILE' ? file : word)),
  ]);
  expect(stdout.split('\n').filter(Boolean)).toEqual(expected);
});
