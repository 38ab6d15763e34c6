import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cosignerOf } from '../../src/ledger/proof/cosignature.ts';
import { generateKey } from '../../src/ledger/proof/note.ts';
import { newSigner, uuidOf, writeLedger } from '../ledger/written-ledger.ts';
import { runInProcess } from './in-process.ts';

const HOUR = 3_600;
const signer = newSigner();
const [one, two, other] = ['w1', 'w2', 'w3'].map((name) =>
  cosignerOf(`witness.example/${name}`, generateKey()),
);
let folder: string;
let newest: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vcon-otel-audit-witnesses-'));
  await writeLedger(join(folder, 'ledger'), signer, 30);
  newest = readFileSync(join(folder, 'ledger', 'checkpoint'), 'utf8');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const audit = (...args: string[]) => runInProcess(['audit', ...args], { cwd: folder });

const by = (...cosigners: readonly (typeof one)[]) =>
  cosigners.flatMap((cosigner) => ['--witness', cosigner?.vkey ?? '']);

/** Puts cosignatures on the newest checkpoint, each made so many seconds ago. */
function cosign(...made: readonly (readonly [cosigner: typeof one, ago: number])[]): void {
  const text = newest.slice(0, newest.indexOf('\n\n') + 1);
  const lines = made.map(([cosigner, ago]) => cosigner?.cosign(text, Math.floor(Date.now() / 1e3) - ago));
  writeFileSync(join(folder, 'ledger', 'checkpoint'), newest + lines.join(''));
}

const verify = (...more: string[]) => audit('verify', 'ledger', '--key', signer.vkey, ...more);

describe('verify', () => {
  test('says who has cosigned how much, and when', async () => {
    cosign([one, HOUR], [two, 2 * HOUR], [other, 0]);
    const { code, stdout, stderr } = await verify(...by(one, two), '--max-age', '24h');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('  rollback     excluded up to the 30 records');
    expect(stdout).toContain('  witnessed    by 2 at least, none of it older than 24 h\n');
    expect(stdout).toMatch(/ {15}witness[.]example\/w1: 30 records, 2\d{3}-.*Z\n/);
    expect(stdout).not.toContain('w3');
  });

  test.each([
    [
      'a cosignature is too old',
      [
        [0, HOUR],
        [1, 25 * HOUR],
      ],
      '2',
      11,
    ],
    [
      'one is enough',
      [
        [0, HOUR],
        [1, 25 * HOUR],
      ],
      '1',
      0,
    ],
    ['one has not cosigned', [[0, HOUR]], '2', 11],
    ['a clock is far ahead', [[0, -HOUR]], '1', 11],
    ['none has cosigned', [], '1', 11],
  ] as const)('ends with 11 where there is no quorum in time: %s', async (_how, made, quorum, expected) => {
    cosign(...made.map(([index, ago]) => [[one, two][index], ago] as const));
    const args = [...by(one, two), '--quorum', quorum, '--max-age', '24h', '--json'];
    const { code, stdout } = await verify(...args);
    expect(code).toBe(expected);
    const { verdict, witnessed } = JSON.parse(stdout);
    expect(verdict).toBe('intact');
    expect(witnessed).toMatchObject({ quorum: Number(quorum), reached: expected === 0 });
    expect(witnessed.by).toHaveLength(made.length);
  });

  test('takes no word of when from an older copy unless it is asked how old it may be', async () => {
    cosign([one, 48 * HOUR]);
    const { code, stdout } = await verify(...by(one), '--strict');
    expect([code, stdout]).toEqual([expect.any(Number), expect.stringContaining('not excluded')]);
    expect(code).not.toBe(0);
  });

  test('takes a cosignature of another checkpoint, and a forged one, for none', async () => {
    const [text = ''] = newest.split('\n\n');
    const elsewhere = one?.cosign(`${text.replace('\n30\n', '\n29\n')}\n`, Math.floor(Date.now() / 1e3));
    writeFileSync(join(folder, 'ledger', 'checkpoint'), newest + elsewhere);
    expect((await verify(...by(one))).code).toBe(11);
  });

  test('says that the options belong together', async () => {
    expect(await verify('--quorum', '1')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('--witness'),
    });
    expect((await verify(...by(one), '--quorum', '2')).code).toBe(3);
    // One witness that is named twice is one.
    expect((await verify(...by(one, one), '--quorum', '2')).code).toBe(3);
    expect(await verify('--witness', signer.vkey)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('not the verifier key of a witness'),
    });
  });
});

test('a bundle has the cosignatures with it', async () => {
  cosign([one, HOUR], [two, HOUR]);
  const { stdout: bundle } = await audit('prove', 'ledger', '--vcon', uuidOf(1));
  writeFileSync(join(folder, 'bundle.json'), bundle);
  const check = (...more: string[]) =>
    audit('verify', '--proof', 'bundle.json', '--key', signer.vkey, ...more);
  expect(await check(...by(one, two), '--max-age', '2h')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('witnessed    by 2 at least'),
  });
  expect((await check(...by(one, two), '--max-age', '30m')).code).toBe(11);
  expect((await check(...by(one, other))).code).toBe(11);
});

test('a bundle has the checkpoint that most have cosigned, where that covers what it proves', async () => {
  await writeLedger(join(folder, 'grown'), signer, 30);
  const path = join(folder, 'grown', 'checkpoint');
  const old = readFileSync(path, 'utf8');
  const text = old.slice(0, old.indexOf('\n\n') + 1);
  await writeLedger(join(folder, 'grown'), signer, 300);
  mkdirSync(join(folder, 'grown', 'witnesses'));
  const cosigned = old + (one?.cosign(text, Math.floor(Date.now() / 1e3)) ?? '');
  writeFileSync(join(folder, 'grown', 'witnesses', '0123abcd'), cosigned);
  const checkpointOf = async (run: number) =>
    JSON.parse((await audit('prove', 'grown', '--vcon', uuidOf(run))).stdout).checkpoint;
  expect(await checkpointOf(1)).toBe(cosigned);
  expect(await checkpointOf(20)).toBe(readFileSync(path, 'utf8'));
  writeFileSync(join(folder, 'grown.json'), (await audit('prove', 'grown', '--vcon', uuidOf(1))).stdout);
  const args = ['--proof', 'grown.json', '--key', signer.vkey, ...by(one)];
  expect((await audit('verify', ...args)).code).toBe(0);
});
