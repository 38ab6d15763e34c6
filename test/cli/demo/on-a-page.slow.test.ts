import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, onTestFinished, test, vi } from 'vitest';
import { demoOnPage } from '../../../src/cli/demo/on-a-page.ts';
import { eventually, PATIENCE } from '../../support/eventually.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('a demo on a page that has written too much begins anew at the same address, and touches nothing else', async () => {
  const out = temporaryFolder();
  const other = join(out, 'audit.jsonl');
  writeFileSync(other, 'of another demo\n');
  const ending = new AbortController();
  const stdout = new PassThrough();
  let said = '';
  stdout.on('data', (text: Buffer) => {
    said += text;
  });
  const stderr = Object.assign(new PassThrough().resume(), { isTTY: false });
  const vcons = join(import.meta.dirname, '../../../examples/vcons');
  const settings = { vcons, out, stdout, stderr: stderr as never, signal: ending.signal };
  const ended = demoOnPage({ ...settings, limit: 600_000, look: 100 });
  onTestFinished(async () => {
    ending.abort();
    await ended;
  });
  const url = await eventually('it is there', () => /http:\S+/.exec(said)?.[0]);
  const mark = join(out, 'live', 'mark');
  writeFileSync(mark, Buffer.alloc(600_001));
  await vi.waitUntil(() => !existsSync(mark), PATIENCE);
  await eventually('it is there again', async () => {
    const answer = await fetch(`${url}/api/about`).catch(() => undefined);
    return answer?.ok || undefined;
  });
  expect(existsSync(other)).toBe(true);
  expect(said.match(/What the chains do now/g)).toHaveLength(1);
});
