import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { spansOfLines, temporaryFolder, vconOtel } from './command-line.ts';

const MEGABYTE = 1024 * 1024;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (...parts: readonly string[]) => join(folder.path, ...parts);

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

function vcon(number: number, more = ''): string {
  return `{"vcon":"0.0.2","uuid":"018f0000-0000-8000-8000-00000000000${number}","created_at":"2026-03-01T12:00:00Z",
    "parties":[{"tel":"+15550100","name":"Ann"}],"dialog":[{"type":"text","start":"2026-03-01T12:00:00Z","parties":[0],
    "body":"Good morning"}]${more}}`;
}

test('bad files among good ones are counted, and the good ones run', async () => {
  await mkdir(at('mixed', 'a-folder.json'), { recursive: true });
  const proto = '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}';
  const files: Record<string, string> = {
    'good.vcon.json': vcon(1),
    'with-mark.json': `\ufeff${vcon(2)}`,
    'proto.vcon.json': vcon(3, `,${proto},"analysis":[{${proto}}],"attachments":[{${proto}}]`),
    'empty.vcon.json': '',
    'truncated.vcon.json': vcon(4).slice(0, 100),
    'text.json': 'Good morning',
    'list.json': '[1,2,3]',
    'proto-alone.json': '{"__proto__":{"uuid":5,"parties":7},"parties":{"__proto__":[]}}',
    'not-looked-at.txt': 'Good morning',
    'large.vcon.json': vcon(
      6,
      `,"attachments":[{"type":"audio","encoding":"base64url","body":"${'A'.repeat(50 * MEGABYTE)}"}]`,
    ),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(at('mixed', name), text);

  const { code, stdout, stderr } = await vconOtel([
    'demo',
    '--json',
    '--vcons',
    at('mixed'),
    '--out',
    at('out'),
  ]);
  expect(stderr.split('\n').slice(1)).toEqual([
    expect.stringMatching(/^4 vCons, \d+ runs: /),
    ...Array.from({ length: 6 }, () =>
      expect.stringMatching(/^\d files? skipped, [^:]+: by name number [\d, ]+$/),
    ),
    '',
  ]);
  expect(code).toBe(0);
  const { spans, tracers } = JSON.parse(stdout);
  expect(tracers.audit.failed).toBe(0);
  const written = spansOfLines(readFileSync(at('out', 'traces.otlp.jsonl'), 'utf8'));
  expect(written).toHaveLength(spans);
  expect(written.filter(({ name }) => name === 'vcon_processing.intake')).toHaveLength(4);
});

test('any number of vCons may fail: their dead letters do not pile up', async () => {
  await mkdir(at('encrypted'), { recursive: true });
  await writeFile(at('encrypted', 'one.vcon.json'), '{"ciphertext":"x","recipients":[]}');
  const args = ['--json', '--vcons', at('encrypted'), '--out', at('failed'), '--count', '70'];
  const { code, stdout } = await vconOtel(['demo', ...args]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout).runs).toEqual({ complete: 0, halted: 0, error: 70 });
});

test.each([
  ['a folder without any vCon', ['--vcons', 'empty'], 'the folder holds no vCon that could be read'],
  ['a folder that is missing', ['--vcons', 'missing'], 'the directory of vCons cannot be read (ENOENT)'],
  ['a place where no folder can be made', ['--out', 'file/out'], 'the folder file/out cannot be created'],
])('%s is one clear sentence and exit code 1', async (_what, args, sentence) => {
  await mkdir(at('empty'), { recursive: true });
  await writeFile(at('file'), '');
  const { code, stdout, stderr } = await vconOtel(['demo', ...args], { cwd: folder.path });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr.split('\n').filter((line) => line.startsWith('vcon-otel:'))).toEqual([
    `vcon-otel: ${sentence}`,
  ]);
  expect(stderr).not.toMatch(/^\s+at /m);
});
