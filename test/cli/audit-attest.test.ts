import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AttestedRuns, LINKS, scriptedRun, VCON } from '../tracers/attest/attested-runs.ts';
import { LIES, RUNS } from '../tracers/attest/lies.ts';
import { runInProcess } from './in-process.ts';

let made: string;
let folder: string;
let attested: AttestedRuns;

/** Two runs, and the layout of their chain. */
beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), 'vcon-otel-attested-'));
  const first = new AttestedRuns(made);
  await first.hear(RUNS.flat());
  await writeFile(join(made, 'config.yml'), JSON.stringify({ chains: { main: { links: LINKS } } }));
  const owner = await first.foreignKey('owner');
  const { code, stderr } = await runInProcess([
    ...['audit', 'layout', join(made, 'config.yml'), '--key-file', owner.file, '--out', first.layouts],
    ...['--attester', join(first.directory, 'verify-key.pem')],
  ]);
  expect([code, stderr]).toEqual([0, '']);
});
afterAll(() => rm(made, { recursive: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-attested-'));
  await cp(made, folder, { recursive: true });
  attested = new AttestedRuns(folder);
});
afterEach(() => rm(folder, { recursive: true }));

const audit = (...more: string[]) => runInProcess(['audit', 'attest', attested.directory, ...more]);
const withLayout = (...more: string[]) =>
  audit(
    ...['--layout', join(attested.layouts, 'main.layout')],
    ...['--layout-key', join(attested.layouts, 'layout-key.pem'), ...more],
  );
const withLedger = (...more: string[]) => audit('--ledger', attested.ledger, '--tracer', 'mine', ...more);

test('what a tracer has signed verifies, alone, with its layout and with its ledger', async () => {
  const alone = await audit();
  expect([alone.code, alone.stdout]).toEqual([0, '✓ verified: 8 attestations of 2 runs, 0 findings\n']);
  expect(alone.stderr).toContain('the key beside the attestations');
  for (const verified of [
    await withLayout(),
    await withLedger('--key', join(attested.directory, 'verify-key.pem')),
  ])
    expect([verified.code, verified.stdout, verified.stderr]).toEqual([0, alone.stdout, '']);
});

describe('is found', () => {
  test.each(LIES)('$name', async ({ tell, finding, code }) => {
    await tell(attested);
    const found = await withLayout('--json');
    expect(found.code).toBe(code);
    if (finding === 'layout') expect(found.stderr).toContain('main.layout is');
    else {
      const { findings } = JSON.parse(found.stdout);
      expect(findings.map((one: { finding: string }) => one.finding)).toContain(finding);
      const runs = new Set(findings.map(({ run }: { run?: string }) => run));
      expect(runs).toEqual(new Set(['00f067aa0ba902b8']));
    }
    const { stdout } = await withLayout();
    if (finding !== 'layout') expect(stdout).toMatch(/^✗ .*run 00f067aa0ba902b8.*\(\w+\)$/m);
  });

  test('a run that was taken away whole, by the ledger that has recorded it', async () => {
    await attested.rewrite((await attested.lines()).slice(0, 4));
    expect((await withLayout()).code).toBe(0);
    const { code, stdout } = await withLedger();
    expect([code, stdout.match(/\(missing\)/g)]).toEqual([1, Array(4).fill('(missing)')]);
  });

  test('one that was added by whoever has the key, by the ledger that has not recorded it', async () => {
    const lines = await attested.lines();
    const added = lines.slice(4).map((line) =>
      attested.lie(line, (said) => {
        const environment = { ...said.predicate.environment, run_id: 'ffffffffffffffff' };
        const byproducts = {
          ...said.predicate.byproducts,
          started: undefined,
          ended: '2999-01-01T00:00:00.000Z',
        };
        return { ...said, predicate: { ...said.predicate, environment, byproducts } };
      }),
    );
    await attested.rewrite([...lines, ...added]);
    expect((await withLayout()).code).toBe(0);
    const { code, stdout } = await withLedger();
    expect([code, stdout.match(/\(unrecorded\)/g)?.length]).toEqual([1, 4]);
  });

  test('a chain that no layout is of', async () => {
    await attested.hear(scriptedRun('00f067aa0ba902b9', { chain: 'other' }));
    const { code, stdout } = await withLayout();
    expect([code, stdout]).toEqual([1, expect.stringContaining('chain other, run 00f067aa0ba902b9 is none')]);
  });

  test('a ledger that is not what was written: nothing is compared with it', async () => {
    const path = join(attested.ledger, 'segments/00000000000000000000.jsonl');
    await writeFile(path, (await readFile(path, 'utf8')).replace('receipt_kept', 'receipt_lost'));
    const { code, stderr } = await withLedger();
    expect([code, stderr]).toEqual([3, expect.stringContaining('✗ tampered: record')]);
  });
});

describe('is no fault', () => {
  test('a run without an end: it is told', async () => {
    await attested.rewrite((await attested.lines()).slice(0, 6));
    const { code, stdout } = await withLayout();
    expect([code, stdout]).toEqual([0, expect.stringContaining('1 runs have no attested end')]);
  });

  test('a line that stands twice: it says nothing new', async () => {
    const lines = await attested.lines();
    await attested.rewrite([...lines, lines[0] ?? '']);
    const { code, stdout } = await withLayout();
    expect([code, stdout]).toEqual([0, expect.stringContaining('1 lines that say again')]);
  });

  test('a line that a crash left unfinished', async () => {
    await appendFile(await attested.file(), '{"payload":"abc');
    const { code, stdout } = await withLayout();
    expect([code, stdout]).toEqual([2, expect.stringContaining('1 lines that a crash left unfinished')]);
  });

  test('a document that was not hashed: it is counted', async () => {
    await attested.hear(scriptedRun('00f067aa0ba902b9', { vconSha256: undefined }));
    const { code, stdout } = await withLayout();
    expect([code, stdout]).toEqual([0, expect.stringContaining('2 steps whose document cannot be compared')]);
  });

  test('a chain that was halted, or that failed', async () => {
    const [start, first] = scriptedRun('00f067aa0ba902b9');
    const end = scriptedRun('00f067aa0ba902b9').at(-1);
    if (!start || !first || !end) throw new RangeError('a run has an end');
    await attested.hear([start, { ...first, outcome: 'halt' }, { ...end, outcome: 'halted' }]);
    expect((await withLayout()).code).toBe(0);
  });
});

test('what was done to a vCon is told as long as its key is there, and by nobody after that', async () => {
  const other = '018f0000-0000-8000-8000-000000000002';
  await attested.hear(scriptedRun('00f067aa0ba902b9', { inVconUuid: other, outVconUuid: other }));
  const { code, stdout } = await withLedger('--vcon', other);
  expect([code, stdout.split('\n').filter((line) => line.includes('run 00f067aa0ba902b9'))]).toEqual([
    0,
    [
      expect.stringContaining('main transcribe: success'),
      expect.stringContaining('main redact: success'),
      expect.stringContaining('main analyze: success'),
      expect.stringContaining('end of chain main: complete'),
    ],
  ]);
  expect(stdout).not.toContain('run 00f067aa0ba902b7');
  await runInProcess(['audit', 'shred', attested.ledger, '--vcon', other]);
  const shredded = await withLedger('--vcon', other);
  expect([shredded.code, shredded.stdout]).toEqual([1, '']);
  expect(shredded.stderr).toContain('there is no key of this vCon');
  expect((await withLedger()).code).toBe(0);
  expect((await withLayout()).code).toBe(0);
  expect(await readFile(await attested.file(), 'utf8')).not.toContain(other);
  expect((await withLedger('--vcon', VCON)).code).toBe(0);
});

describe('wrong usage', () => {
  test.each([
    ['--layout needs --layout-key', () => audit('--layout', join(attested.layouts, 'main.layout'))],
    ['--vcon needs --ledger', () => audit('--vcon', VCON)],
    ['this is a private key', () => audit('--key', join(attested.directory, 'signing-key.pem'))],
    ['there are no attestations in', () => runInProcess(['audit', 'attest', attested.layouts])],
    ['there is no directory', () => runInProcess(['audit', 'attest', join(folder, 'none')])],
    [
      'is no config.yml of a conserver',
      () =>
        runInProcess([
          ...['audit', 'layout', join(attested.layouts, 'main.layout'), '--out', folder],
          ...['--key-file', join(folder, 'owner.pem'), '--attester', join(folder, 'owner.pub')],
        ]),
    ],
  ])('%s', async (text, run) => {
    const { code, stderr } = await run();
    expect([code, stderr]).toEqual([3, expect.stringContaining(text)]);
  });
});
