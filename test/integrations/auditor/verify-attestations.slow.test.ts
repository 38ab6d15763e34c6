import { execFile, execFileSync } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runInProcess } from '../../cli/in-process.ts';
import { AttestedRuns, LINKS } from '../../tracers/attest/attested-runs.ts';
import { LIES, RUNS } from '../../tracers/attest/lies.ts';

//  Slow, because it runs a program for each lie. Skipped where Python lacks the package `in-toto`.

const PROGRAM = join(import.meta.dirname, '../../../integrations/auditor/verify_attestations.py');

const canVerify = (() => {
  try {
    execFileSync('python3', ['-c', 'import in_toto.verifylib'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!canVerify)('in-toto, as PyPI has it', () => {
  let made: string;
  let folder: string;
  let attested: AttestedRuns;

  beforeAll(async () => {
    made = await mkdtemp(join(tmpdir(), 'vcon-otel-in-toto-'));
    const first = new AttestedRuns(made);
    await first.hear(RUNS.flat());
    await writeFile(join(made, 'config.yml'), JSON.stringify({ chains: { main: { links: LINKS } } }));
    const owner = await first.foreignKey('owner');
    await runInProcess([
      ...['audit', 'layout', join(made, 'config.yml'), '--key-file', owner.file, '--out', first.layouts],
      ...['--attester', join(first.directory, 'verify-key.pem')],
    ]);
  });
  afterAll(() => rm(made, { recursive: true }));
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vcon-otel-in-toto-'));
    await cp(made, folder, { recursive: true });
    attested = new AttestedRuns(folder);
  });
  afterEach(() => rm(folder, { recursive: true }));

  const verify = (...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile('python3', [PROGRAM, attested.directory, ...args], (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
      );
    });
  const withLayout = () =>
    verify(
      ...['--layout', join(attested.layouts, 'main.layout')],
      ...['--layout-key', join(attested.layouts, 'layout-key.pem')],
    );

  test('verifies each envelope, the layout, and complete runs against it', async () => {
    expect(await withLayout()).toEqual({
      code: 0,
      stdout: 'verified: 8 envelopes of 2 runs, 2 of them compared with the layout\n',
      stderr: '',
    });
    expect((await verify('--key', join(attested.directory, 'verify-key.pem'))).code).toBe(0);
    expect((await verify('--key', join(folder, 'owner.pub'))).code).toBe(1);
  });

  test('verifies them still when the keys of their vCons are destroyed', async () => {
    await rm(join(attested.ledger, 'keys'), { recursive: true });
    expect((await withLayout()).code).toBe(0);
  });

  test.each(LIES.filter(({ foreign }) => foreign))('refuses $name', async ({ tell }) => {
    await tell(attested);
    const { code, stdout, stderr } = await withLayout();
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(/^refused: .*(Error|Metadata)/m);
  });

  test.each(LIES.filter(({ foreign }) => !foreign))('has no rule against $name', async ({ tell }) => {
    await tell(attested);
    expect((await withLayout()).code).toBe(0);
  });
});
