import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryVconStore } from '../../src/vcon-store/memory.ts';
import { JlincServer } from '../tracers/jlinc/jlinc-server.ts';
import { eventContext, linkContext, started } from '../tracers/started.ts';
import { runInProcess } from './in-process.ts';

const UUID = '018f0000-0000-8000-8000-000000000001';
const OTHER = '018f0000-0000-8000-8000-000000000002';

let directory: string;
let file: string;
let intact: string;

/** Three receipts that the tracer itself has kept, two of one vCon. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vcon-otel-receipts-'));
  const server = await new JlincServer().start();
  const vcons = memoryVconStore();
  for (const uuid of [UUID, OTHER]) await vcons.write(uuid, JSON.stringify({ uuid }));
  const options = { data_store_api_url: server.url, allow_private_hosts: ['127.0.0.1'], directory };
  const { run, shutdown } = await started('tracers.jlinc', options, vcons);
  await run(UUID, UUID, -1, eventContext());
  await run(UUID, OTHER, 1, linkContext());
  await run(OTHER, OTHER, -1, eventContext({ eventId: 'other/chain/main/start' }));
  await shutdown();
  await server.close();
  const [name = ''] = await readdir(directory);
  file = join(directory, name);
  intact = await readFile(file, 'utf8');
});
afterAll(() => rm(directory, { recursive: true }));

const receipts = (...options: string[]) => runInProcess(['audit', 'receipts', directory, ...options]);

test('receipts that verify are listed', async () => {
  await writeFile(file, intact);
  const { code, stdout, stderr } = await receipts();
  expect([code, stderr]).toEqual([0, '']);
  const lines = stdout.split('\n');
  expect(lines[0]).toMatch(
    /^✓ [0-9a-f-]{36} {2}\S+Z {2}main -1 {2}vcontest-system@vcon\.local → vcontest-transcribe@/,
  );
  expect(lines[3]).toBe('3 receipts, 0 refused, 0 unfinished lines');
});

test('those of one vCon, as JSON', async () => {
  await writeFile(file, intact);
  const { code, stdout } = await receipts('--vcon', UUID, '--json');
  const told = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(code).toBe(0);
  expect(told.map(({ receipt, fault }) => [receipt.in_vcon_uuid, receipt.link_index, fault])).toEqual([
    [UUID, -1, null],
    [UUID, 1, null],
  ]);
});

test.each([
  [/"digest":"./, '"digest":"x', 'is not a receipt'],
  [/"digest":"[0-9a-f]{64}"/, `"digest":"${'0'.repeat(64)}"`, 'something else was signed'],
  [/"senderId":"[^"]+"/, '"senderId":"did:jlinc:x"', 'the entities are others'],
  [/"jws":"[^."]+/, '"jws":"eyJhbGciOiJub25lIn0', 'no pinned key made the signature'],
])('one that was changed is found (%#)', async (found, changed, fault) => {
  await writeFile(file, intact.replace(found, changed));
  const { code, stdout } = await receipts();
  expect(code).toBe(1);
  expect(stdout).toMatch(/^✗ /m);
  expect(stdout).toContain(fault);
});

test('what a crash left of a line is no tampering', async () => {
  await writeFile(file, `${intact}{"v":1,"record_id":"ha`);
  const { code, stdout } = await receipts();
  expect(code).toBe(2);
  expect(stdout).toContain('3 receipts, 0 refused, 1 unfinished lines');
});

test('a directory that is not there, and wrong usage', async () => {
  expect(await runInProcess(['audit', 'receipts', join(directory, 'none')])).toEqual({
    code: 3,
    stdout: '',
    stderr: 'vcon-otel: the receipts cannot be read (ENOENT)\n',
  });
  expect((await runInProcess(['audit', 'receipts'])).code).toBe(3);
});
