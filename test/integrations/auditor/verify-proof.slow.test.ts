import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ProofBundle, proveVcon } from '../../../src/ledger/index.ts';
import { cosignerOf } from '../../../src/ledger/proof/cosignature.ts';
import { generateKey } from '../../../src/ledger/proof/note.ts';
import { newSigner, ORIGIN, uuidOf, writeLedger } from '../../ledger/written-ledger.ts';

//  Slow, because it runs a program for each bundle. Skipped where Python lacks the package `cryptography` (Debian: python3-cryptography).

const PROGRAM = join(import.meta.dirname, '../../../integrations/auditor/verify_proof.py');

const canVerify = (() => {
  try {
    execFileSync('python3', ['-c', 'import cryptography'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!canVerify)("an auditor's own program, made by the documentation alone", () => {
  const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-auditor-'));
  const signer = newSigner();
  const [witness, other] = ['w1', 'w2'].map((name) => cosignerOf(`witness.example/${name}`, generateKey()));
  const vcon = uuidOf(5);
  let bundle: ProofBundle;

  beforeAll(async () => {
    await writeLedger(join(folder, 'ledger'), signer, 300);
    const made = proveVcon(join(folder, 'ledger'), vcon);
    const text = made.checkpoint.slice(0, made.checkpoint.indexOf('\n\n') + 1);
    bundle = { ...made, checkpoint: made.checkpoint + witness?.cosign(text, 1_772_366_400) };
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  let runs = 0;
  const check = (what: unknown, ...args: string[]) => {
    const file = join(folder, `${runs++}.json`);
    writeFileSync(file, typeof what === 'string' ? what : JSON.stringify(what));
    return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile('python3', [PROGRAM, file, ...args], (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
      );
    });
  };
  const withKey = (what: unknown) => check(what, '--key', signer.vkey);

  test('says what a bundle proves, record by record', async () => {
    const { code, stdout, stderr } = await check(
      bundle,
      ...['--key', newSigner().vkey, '--key', signer.vkey],
      ...['--witness', witness?.vkey ?? '', '--vcon', vcon],
    );
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe(`proven: 8 records are in the ledger of 300 records of ${ORIGIN}`);
    expect(lines[3]).toMatch(/^ {2}42 \d{4}-.*Z link_complete success$/);
    expect(lines).toHaveLength(9);
  });

  test('says the same of each vCon of a ledger', async () => {
    for (const run of [0, 31, 32, 36, 37]) {
      const { code, stdout } = await withKey(proveVcon(join(folder, 'ledger'), uuidOf(run)));
      expect([run, code]).toEqual([run, 0]);
      expect(stdout).toContain(`proven: ${run === 37 ? 4 : 8} records`);
    }
  });

  test('refuses what was changed, in every part', async () => {
    const [first, second, ...rest] = bundle.records;
    if (!first || !second) throw new RangeError('a run has several records');
    const [sibling = '', ...path] = first.proof;
    const flipped = Buffer.from(sibling, 'base64');
    flipped[7] = (flipped[7] ?? 0) ^ 1;
    const records = (...changed: ProofBundle['records']) => ({ ...bundle, records: changed });
    const signature = bundle.checkpoint.split('\n')[4] ?? '';
    const spoiled = signature.replace(/.(?=..=*$)/, (letter) => (letter === 'A' ? 'B' : 'A'));
    const refused: Record<string, unknown> = {
      'a record': records({ ...first, record: first.record.replace('main', 'mail') }, second, ...rest),
      'its place': records({ ...first, index: first.index + 1 }, second, ...rest),
      'a place before the first': records({ ...first, index: -1 }, second, ...rest),
      'a place after the last': records(first, { ...second, index: 300 }),
      'a hash of the proof': records({ ...first, proof: [flipped.toString('base64'), ...path] }, second),
      'a proof too short': records({ ...first, proof: path }, second, ...rest),
      'a proof too long': records({ ...first, proof: [...first.proof, sibling] }, second, ...rest),
      'the order': records(second, first, ...rest),
      'a record twice': records(first, first),
      'no record': records(),
      'another vCon': { ...bundle, vcon_uuid: uuidOf(6) },
      'the size of the checkpoint': {
        ...bundle,
        checkpoint: bundle.checkpoint.replace('\n300\n', '\n301\n'),
      },
      'the signature': { ...bundle, checkpoint: bundle.checkpoint.replace(signature, spoiled) },
    };
    for (const [what, changed] of Object.entries(refused)) {
      const { code, stdout, stderr } = await withKey(changed);
      expect([what, code, stdout]).toEqual([what, 1, '']);
      expect(stderr).toMatch(/^refused: /);
    }
    // A signature of nobody who is known.
    const unsigned = bundle.checkpoint.replace(`— ${ORIGIN} `, '— ledger.example/other ');
    expect((await withKey({ ...bundle, checkpoint: unsigned })).code).toBe(4);
  });

  test('has codes of its own for a wrong key, a witness that is missing, another vCon, and what is no bundle', async () => {
    const key = ['--key', signer.vkey];
    expect((await check(bundle, '--key', newSigner().vkey)).code).toBe(4);
    expect((await check(bundle)).code).toBe(4);
    expect((await check(bundle, ...key, '--witness', other?.vkey ?? '')).code).toBe(11);
    expect((await check(bundle, ...key, '--vcon', uuidOf(6))).code).toBe(1);
    expect((await check(bundle, '--key', witness?.vkey ?? '')).code).toBe(3);
    expect((await check(bundle, '--key', signer.vkey.replace(ORIGIN, 'else'))).code).toBe(3);
    const forged = bundle.checkpoint.replace(/(?<=w1 .{20})./, (letter) => (letter === 'A' ? 'B' : 'A'));
    expect(
      (await check({ ...bundle, checkpoint: forged }, ...key, '--witness', witness?.vkey ?? '')).code,
    ).toBe(1);
    for (const text of ['', '[]', '{}', '{"checkpoint":"x"}', '{"checkpoint":7}', 'null'])
      expect([text, (await check(text, ...key)).code]).toEqual([text, expect.toBeOneOf([3, 4])]);
    expect((await check(bundle, ...key, '--nonsense')).code).toBe(2);
  });
});
