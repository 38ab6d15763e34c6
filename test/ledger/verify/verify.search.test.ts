import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  isComplete,
  openLedger,
  parseVerifierKey,
  readHeads,
  verifyLedger,
} from '../../../src/ledger/index.ts';
import { signCheckpoint } from '../../../src/ledger/proof/checkpoint.ts';
import { EMPTY_ROOT } from '../../../src/ledger/proof/merkle.ts';
import { IS_LONG, runs } from '../../support/search.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { entries, newSigner, settingsFor, writeLedger } from '../written-ledger.ts';
import { flipBytes, verify } from './tampering.ts';

const RECORDS = 100;
const FIRST = 'segments/00000000000000000000.jsonl';

/** A closed ledger of 100 records with checkpoints of 50 and of all. */
async function ledger(directory = join(temporaryFolder(), 'ledger'), signer = newSigner()) {
  await writeLedger(directory, signer, RECORDS / 2);
  const old = readFileSync(join(directory, 'checkpoint'), 'utf8');
  await writeLedger(directory, signer, RECORDS);
  const path = join(directory, FIRST);
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const write = (changed: readonly string[]) =>
    writeFileSync(path, changed.map((line) => `${line}\n`).join(''));
  return { directory, signer, old, path, lines, write };
}

test('a ledger as it was written is intact', async () => {
  const { directory, signer } = await ledger();
  expect(verify(directory, signer)).toMatchObject({
    verdict: 'intact',
    first: 0,
    size: RECORDS,
    signed: RECORDS,
    checkpoints: 2,
    completeness: { openRuns: 1, unfinishedSteps: 0, endsWithoutStart: 0, repeats: 0 },
  });
});

test('a step that was open when its run was lost is no gap: nobody knows how it ended', async () => {
  const directory = join(temporaryFolder(), 'ledger');
  const signer = newSigner();
  const ledger = openLedger(settingsFor(directory, signer));
  const [start, link] = entries(2);
  if (!start || !link || !('run_id' in start)) throw new RangeError('a run has a start and a link');
  const record_id = `${start.run_id}/chain/lost`;
  for (const entry of [
    start,
    link,
    { ...start, record_id, event: 'chain_lost', outcome: 'unknown' } as const,
  ])
    await ledger.append(entry);
  await ledger.close();
  const verdict = verify(directory, signer);
  expect(verdict.completeness).toMatchObject({ openRuns: 0, unfinishedSteps: 0, endsWithoutStart: 0 });
  expect(isComplete(verdict, false)).toBe(true);
});

test('no flipped bit goes unnoticed, and the first bad record is named', async () => {
  const { directory, signer } = await ledger();
  // Every byte takes minutes: node test/ledger/flip-every-byte.ts.
  const { flipped, missed } = flipBytes(directory, signer, IS_LONG ? 97 : 971);
  expect(flipped).toBeGreaterThan(runs(500));
  expect(missed).toEqual([]);
});

describe('of a hundred records', () => {
  let of: Awaited<ReturnType<typeof ledger>>;
  const every = Array.from({ length: RECORDS }, (_, i) => i);
  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-ledger-'));
    of = await ledger(join(folder, 'ledger'));
    return () => rmSync(folder, { recursive: true });
  });
  /** Changes the lines for each place, and expects that place to be named. */
  const expectNamed = (
    change: (lines: string[], i: number) => void,
    named: (i: number) => number,
    places = every,
  ) => {
    for (const i of places) {
      const changed = [...of.lines];
      change(changed, i);
      of.write(changed);
      const { verdict, fault } = verify(of.directory, of.signer);
      expect([i, verdict, fault?.seq]).toEqual([i, 'tampered', named(i)]);
    }
  };

  test('each one that is deleted is named', () =>
    expectNamed(
      (lines, i) => lines.splice(i, 1),
      (i) => i,
    ));
  test('each two that are swapped are named', () =>
    expectNamed(
      (lines, i) => lines.splice(i, 2, lines[i + 1] ?? '', lines[i] ?? ''),
      (i) => i,
      every.slice(0, -1),
    ));
  test('each one that stands there twice is named', () =>
    expectNamed(
      (lines, i) => lines.splice(i, 0, lines[i] ?? ''),
      (i) => i + 1,
    ));
  test('each one that is slipped in is named', () =>
    expectNamed(
      (lines, i) => lines.splice(i, 0, (lines[i] ?? '').replace('"event":"', '"event":"x')),
      (i) => i,
    ));
  test('each one that is replaced by another valid record is named', () =>
    expectNamed(
      (lines, i) => lines.splice(i, 1, (lines[i] ?? '').replace('"chain":"main"', '"chain":"mail"')),
      (i) => i,
    ));
  test('a cut tail is noticed by the newest checkpoint', () =>
    expectNamed(
      (lines, i) => lines.splice(i),
      (i) => i,
    ));
});

describe('what only an older checkpoint shows', () => {
  test('is a tail that was cut with its checkpoints', async () => {
    const { directory, signer, old, lines } = await ledger();
    const cut = join(temporaryFolder(), 'cut');
    await writeLedger(cut, signer, 40);
    expect(verify(cut, signer).verdict).toBe('intact');
    const verifiers = [parseVerifierKey(signer.vkey)];
    expect(verifyLedger({ directory: cut, verifiers, since: readHeads(old) })).toMatchObject({
      verdict: 'rolled_back',
      fault: { seq: 40, file: FIRST },
    });
    expect(verifyLedger({ directory, verifiers, since: readHeads(old) }).verdict).toBe('intact');
    expect(lines).toHaveLength(RECORDS);
  });

  test('is a ledger that was written anew with another key', async () => {
    const { signer, old } = await ledger();
    const forger = newSigner();
    const forged = join(temporaryFolder(), 'forged');
    await writeLedger(forged, forger, RECORDS);
    expect(verify(forged, forger).verdict).toBe('intact');
    expect(verify(forged, signer)).toMatchObject({ verdict: 'unknown_key', fault: { file: 'checkpoints' } });
    const verifiers = [parseVerifierKey(forger.vkey)];
    expect(verifyLedger({ directory: forged, verifiers, since: readHeads(old) })).toMatchObject({
      verdict: 'rolled_back',
      fault: { seq: 0, file: FIRST },
    });
  });
});

test('a ledger that was rewritten with its own key has grown from some checkpoints: the last of them is named', async () => {
  const signer = newSigner();
  const directory = join(temporaryFolder(), 'ledger');
  const copy = join(temporaryFolder(), 'copy');
  const anchor = join(temporaryFolder(), 'anchor');
  for (const upTo of [10, 30]) await writeLedger(directory, signer, upTo, { anchor });
  cpSync(directory, copy, { recursive: true });
  for (const upTo of [60, 100]) await writeLedger(directory, signer, upTo, { anchor });
  // From record 30 on without one vCon, signed again at the same sizes.
  const forge = openLedger(settingsFor(copy, signer));
  await Promise.all(entries(80, 38).map((entry) => forge.append(entry)));
  await forge.close();
  const since = readHeads(readFileSync(anchor, 'utf8'));
  const verifiers = [parseVerifierKey(signer.vkey)];
  expect(verify(copy, signer).verdict).toBe('intact');
  expect(verifyLedger({ directory, verifiers, since })).toMatchObject({ verdict: 'intact', agreed: 100 });
  const { verdict, fault } = verifyLedger({ directory: copy, verifiers, since });
  const lines = readFileSync(join(copy, FIRST), 'utf8').split('\n').slice(0, 30).join('\n');
  expect([verdict, fault]).toEqual([
    'rolled_back',
    {
      file: FIRST,
      offset: Buffer.byteLength(lines) + 1,
      seq: 30,
      reason: expect.stringMatching(/checkpoint of 60 records .* the last that agrees has 30$/),
    },
  ]);
});

test('a checkpoint of no records excludes no rollback, whoever signed it', async () => {
  const { directory, signer } = await ledger();
  const note = signCheckpoint(
    { origin: 'other.example', size: 0, root: EMPTY_ROOT },
    newSigner('other.example'),
  );
  const verifiers = [parseVerifierKey(signer.vkey)];
  const verdict = verifyLedger({ directory, verifiers, since: readHeads(note) });
  expect([verdict.verdict, verdict.agreed]).toEqual(['intact', undefined]);
});

test('an unfinished record after the newest checkpoint is a torn tail', async () => {
  const { directory, signer, path } = await ledger();
  const size = readFileSync(path).length;
  writeFileSync(path, '{"actor":"conse', { flag: 'a' });
  expect(verify(directory, signer)).toMatchObject({
    verdict: 'torn',
    size: RECORDS,
    fault: { file: FIRST, offset: size, seq: RECORDS },
  });
  // Part of a record that is signed is another matter.
  truncateSync(path, size - 10);
  expect(verify(directory, signer)).toMatchObject({ verdict: 'tampered', fault: { seq: RECORDS - 1 } });
});
