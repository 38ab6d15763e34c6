import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { memoryVconStore } from '../../src/vcon-store/memory.ts';
import { JlincServer } from '../tracers/jlinc/jlinc-server.ts';
import { eventContext, linkContext, started } from '../tracers/started.ts';
import { runInProcess } from './in-process.ts';

const UUID = '018f0000-0000-8000-8000-000000000001';
const OTHER = '018f0000-0000-8000-8000-000000000002';

let folder: string;
let directory: string;
let ledger: string;
let file: string;
let intact: string;
/** A receipt of the same event by another data store, with keys of its own. */
let forged: string;

async function keptBy(into: string, server: JlincServer, ledger_directory?: string): Promise<string> {
  const vcons = memoryVconStore();
  for (const uuid of [UUID, OTHER]) await vcons.write(uuid, JSON.stringify({ uuid }));
  const { run, shutdown } = await started(
    'tracers.jlinc',
    {
      data_store_api_url: server.url,
      allow_private_hosts: ['127.0.0.1'],
      directory: into,
      ...(ledger_directory && { ledger_directory }),
    },
    vcons,
  );
  await run(UUID, UUID, -1, eventContext());
  await run(UUID, OTHER, 1, linkContext());
  await shutdown();
  const [name = ''] = await readdir(into);
  return join(into, name);
}

/** Two receipts that a tracer has kept beside a compliance tracer, whose ledger has recorded them. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-recorded-'));
  directory = join(folder, 'jlinc');
  ledger = join(folder, 'ledger');
  const [server, other] = [await new JlincServer().start(), await new JlincServer().start()];
  const compliance = await started('tracers.compliance', { directory: ledger });
  file = await keptBy(directory, server, ledger);
  await compliance.shutdown();
  forged = await readFile(await keptBy(join(folder, 'forged'), other), 'utf8');
  intact = await readFile(file, 'utf8');
  await Promise.all([server.close(), other.close()]);
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => writeFile(file, intact));

const receipts = (...more: string[]) =>
  runInProcess(['audit', 'receipts', directory, '--ledger', ledger, '--tracer', 'mine', ...more]);

test('receipts that the ledger has recorded are those that were kept', async () => {
  const { code, stdout, stderr } = await receipts();
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.split('\n').slice(2)).toEqual(['2 receipts, 0 refused, 0 unfinished lines', '']);
  const records = await readFile(join(ledger, 'segments/00000000000000000000.jsonl'), 'utf8');
  const events = records.match(/"event":"[^"]+"/g)?.map((text) => text.slice(9, -1));
  expect(events?.filter((event) => event === 'receipt_kept')).toHaveLength(2);
  // Of each entity once: its keys are in the ledger, whatever the lines say.
  expect(events?.filter((event) => event === 'entity_pinned')).toHaveLength(3);
  const key = await readFile(join(ledger, 'ledger.vkey'), 'utf8');
  const verified = await runInProcess(['audit', 'verify', ledger, '--key', key.trim()]);
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringMatching(/^✓ intact/)]);
});

describe('is found', () => {
  test('one that was edited in what nobody signs', async () => {
    await writeFile(file, intact.replace('"chain":"main"', '"chain":"mail"'));
    const { code, stdout } = await receipts();
    expect([code, stdout]).toEqual([1, expect.stringContaining('✗ 1 receipts that the ledger has recorded')]);
    expect((await runInProcess(['audit', 'receipts', directory])).code).toBe(0);
  });

  test('one that was removed', async () => {
    await writeFile(file, `${intact.trim().split('\n')[1]}\n`);
    const { code, stdout } = await receipts();
    expect([code, stdout]).toEqual([1, expect.stringContaining('✗ 1 receipts')]);
    expect((await receipts('--vcon', OTHER)).code).toBe(0);
  });

  test('one that another key has signed, which its line says is the right one', async () => {
    await writeFile(file, forged);
    expect((await runInProcess(['audit', 'receipts', directory])).code).toBe(0);
    const { code, stdout } = await receipts();
    expect(code).toBe(1);
    expect(stdout).toContain('a receipt does not verify');
    expect(stdout).toContain('2 receipts, 2 refused');
  });

  test('a ledger that is not intact: nothing is compared with it', async () => {
    const path = join(ledger, 'segments/00000000000000000000.jsonl');
    const records = await readFile(path, 'utf8');
    await writeFile(path, records.replace('"receipt_kept"', '"receipt_lost"'));
    const { code, stderr } = await receipts();
    expect([code, stderr]).toEqual([3, expect.stringContaining('✗ tampered: record')]);
    await writeFile(path, records);
  });
});

test('those that were erased with their vCon are not missing', async () => {
  const config = join(folder, 'config.yaml');
  const options = { data_store_api_url: 'http://127.0.0.1:9', directory, ledger_directory: ledger };
  // YAML has all of JSON.
  const tracers = {
    compliance: { module: 'tracers.compliance', options: { directory: ledger } },
    mine: { module: 'tracers.jlinc', options },
  };
  const vcon_store = { type: 'directory', path: folder };
  const journal = { type: 'sqlite', path: join(folder, 'journal.db') };
  await writeFile(config, JSON.stringify({ tracers, vcon_store, journal }));
  const order = ['--vcon', OTHER, '--everywhere', '--reason', 'asked to', '--config', config];
  const erased = await runInProcess(['audit', 'shred', ...order]);
  expect([erased.code, erased.stdout]).toEqual([0, expect.stringContaining('✓ tracers.mine: 1 receipts')]);
  expect(await readFile(file, 'utf8')).not.toContain(OTHER);
  const { code, stdout } = await receipts();
  expect([code, stdout]).toEqual([0, expect.stringContaining('  1 that it has recorded were erased')]);
  expect((await runInProcess(['audit', 'verify', ledger])).code).toBe(0);
  // Another one that goes is still missed.
  await writeFile(file, '');
  expect((await receipts()).code).toBe(1);
});
