import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/vcon-otel.js', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-dev-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

test("a tracer's file hears demo traffic, and as it is now after each change; nothing is kept", async () => {
  await tracer('before');
  const dev = start('mine.mjs');
  await dev.says('before chain_start');
  await dev.says('chain_start       intake');
  await tracer('after');
  await dev.says('A file has changed: starting again.');
  await dev.says('after chain_complete');
  expect(await dev.end()).toBe(0);
  expect(await readdir(folder)).toEqual(['mine.mjs']);
});

test('what is broken meanwhile is said, and goes on when it is mended', async () => {
  await writeFile(join(folder, 'mine.mjs'), 'export const = broken;');
  const dev = start('mine.mjs');
  await dev.says('It has ended; a change starts it again.');
  await tracer('mended');
  await dev.says('mended chain_start');
  expect(await dev.end()).toBe(0);
});

test('a configuration is run with everything in memory, and events of chains that name their tracers are shown', async () => {
  await writeFile(
    join(folder, 'vcon-otel.yaml'),
    'chains: { intake: { tracers: [] } }\njournal: { type: sqlite, path: ./journal.db }\nadmin: {}\n',
  );
  const dev = start();
  await dev.says('chain_complete    intake');
  expect(await dev.end()).toBe(0);
  expect(await readdir(folder)).toEqual(['vcon-otel.yaml']);
});

async function tracer(word: string): Promise<void> {
  await writeFile(
    join(folder, 'mine.mjs'),
    `export const trace = (_uuid, event) => console.log('${word}', event);`,
  );
}

function start(...args: string[]) {
  const child: ChildProcess = spawn(process.execPath, [LAUNCHER, 'dev', ...args], {
    cwd: folder,
    env: { NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  return {
    says: (words: string) => eventually(`it says ${words}`, () => text.includes(words) || undefined),
    end: () =>
      new Promise((resolve) => {
        child.once('exit', resolve);
        child.kill('SIGTERM');
      }),
  };
}
