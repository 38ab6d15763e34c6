import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runInProcess } from '../../cli/in-process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { newSigner, uuidOf, writeLedger } from '../written-ledger.ts';

//  Slow: builds a program that is not ours with Go, and runs it. Skipped where there is no Go, or no module of it to be had.

test("torchwood verifies a ledger's proofs in the format of C2SP tlog-proof, and refuses another", async ({
  skip,
}) => {
  const folder = temporaryFolder();
  const program = join(folder, 'reader');
  cpSync(join(import.meta.dirname, 'go'), join(folder, 'go'), { recursive: true });
  try {
    execFileSync('go', ['build', '-o', program, '.'], {
      cwd: join(folder, 'go'),
      stdio: 'ignore',
      timeout: 240_000,
      // The one that the module asks for.
      env: { ...process.env, GOTOOLCHAIN: 'go1.27.3' },
    });
  } catch {
    skip('there is no Go, or no module to be had');
  }
  const signer = newSigner();
  const [ledger, out] = [join(folder, 'ledger'), join(folder, 'proofs')];
  await writeLedger(ledger, signer, 300);
  const args = ['audit', 'prove', ledger, '--vcon', uuidOf(20), '--format', 'tlog-proof', '--out', out];
  expect((await runInProcess(args)).code).toBe(0);
  const files = readdirSync(out).map((name) => join(out, name));
  const { status, stdout } = spawnSync(program, [signer.vkey, ...files], { encoding: 'utf8' });
  const uuids = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).vcon_uuid);
  expect([status, uuids]).toEqual([0, Array.from({ length: 8 }, () => uuidOf(20))]);
  const [file = ''] = files;
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(/^extra .{40}/m, (head) => `${head.slice(0, -1)}A`),
  );
  expect(spawnSync(program, [signer.vkey, file]).status).toBe(1);
});
