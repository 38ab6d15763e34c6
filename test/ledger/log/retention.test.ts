import { readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  KeyStore,
  type LedgerEntry,
  leaveRequest,
  openLedger,
  parseVerifierKey,
  type Signer,
  verifyLedger,
} from '../../../src/ledger/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { entries, newSigner, settingsFor, uuidOf } from '../written-ledger.ts';

const DAY = 86_400_000;
const BEGIN = Date.UTC(2026, 0, 1);
const ADA = { actor: 'ada', system_user: 'ada' };

let directory: string;
let signer: Signer;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: BEGIN });
  directory = temporaryFolder();
  signer = newSigner();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Opens the ledger, appends records that are to be kept as a policy says, and tends it. */
async function write(from: number, to: number, policy: string, period: number) {
  const retention = { policy, period };
  const ledger = openLedger(settingsFor(directory, signer, { segmentBytes: 2_000, retention }));
  // One by one, so that they fill several files.
  for (const entry of entries(to - from, from) as Extract<LedgerEntry, { run_id: string }>[])
    await ledger.append({ ...entry, retention_policy: policy });
  await ledger.tend();
  await ledger.close();
}

/** A record a day, as the clock goes. */
async function live(days: number, from: number, policy: string, period: number) {
  for (let day = 0; day < days; day += 1) {
    vi.setSystemTime(Date.now() + DAY);
    await write(from + day, from + day + 1, policy, period);
  }
}

const first = () => Number(readdirSync(join(directory, 'segments')).sort()[0]?.slice(0, 20));
const verify = () => verifyLedger({ directory, verifiers: [parseVerifierKey(signer.vkey)], withKeys: true });
const keyFiles = () =>
  readdirSync(join(directory, 'keys'), { recursive: true })
    .map((name) => join(directory, 'keys', String(name)))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
const tombstones = () =>
  readdirSync(join(directory, 'segments'))
    .sort()
    .flatMap((name) =>
      readFileSync(join(directory, 'segments', name), 'utf8')
        .trim()
        .split('\n'),
    )
    .map((line) => JSON.parse(line))
    .filter(({ event }) => event === 'records_expired');

describe('no record is deleted before its own policy', () => {
  test('where the configuration has a shorter one by now', async () => {
    await write(0, 20, '7_years', 7 * 366 * DAY);
    await live(6, 20, '2_days', 2 * DAY);
    expect(first()).toBe(0);
    expect(verify().verdict).toBe('intact');
  });

  test('where its policy says no time', async () => {
    await write(0, 20, 'legal hold', Number.POSITIVE_INFINITY);
    await live(6, 20, '2_days', 2 * DAY);
    expect(first()).toBe(0);
  });

  test('where the clock is ten years ahead once, nor is its key', async () => {
    const keys = new KeyStore(directory);
    await keys.keyed(uuidOf(0), 'the document');
    await write(0, 20, '7_years', 7 * 366 * DAY);
    vi.setSystemTime(BEGIN + 3_650 * DAY);
    await write(20, 24, '7_years', 7 * 366 * DAY);
    vi.setSystemTime(BEGIN + DAY);
    await write(24, 28, '7_years', 7 * 366 * DAY);
    expect([first(), keys.commitment(uuidOf(0))]).toEqual([0, expect.any(String)]);
    expect(verify().verdict).toBe('intact');
  });
});

test('records that are old enough are deleted, and the record of it says how old they were', async () => {
  await write(0, 20, '10_days', 10 * DAY);
  await live(10, 20, '10_days', 10 * DAY);
  expect(first()).toBe(0);
  await live(2, 30, '10_days', 10 * DAY);
  expect(first()).toBeGreaterThan(10);
  const [tombstone] = tombstones();
  expect(tombstone).toMatchObject({ last_recorded_at: new Date(BEGIN).toISOString(), policies: ['10_days'] });
  expect(verify()).toMatchObject({ verdict: 'intact', unprovenDeletions: 0 });
});

test('by an order, with who gave it and why, they are deleted earlier, and the record of it names the order', async () => {
  await write(0, 20, '7_years', 7 * 366 * DAY);
  vi.setSystemTime(BEGIN + DAY);
  const before = new Date(BEGIN + 1).toISOString();
  leaveRequest(directory, { ...ADA, event: 'expiry_ordered', before, reason: 'a court order' });
  await write(20, 24, '7_years', 7 * 366 * DAY);
  expect(first()).toBeGreaterThan(10);
  const [tombstone] = tombstones();
  expect(tombstone).toMatchObject({ order: expect.stringMatching(/^operator\//), policies: ['7_years'] });
  expect(verify()).toMatchObject({ verdict: 'intact' });
});

test('once the ledger is closed nothing is deleted any more, and the next to open it goes on with it', async () => {
  const keys = new KeyStore(directory);
  await write(0, 20, '10_days', 10 * DAY);
  await live(11, 20, '10_days', 10 * DAY);
  for (let i = 0; i < 300; i += 1) await keys.keyed(uuidOf(1_000 + i), 'the document');
  const then = new Date(BEGIN - 10 * DAY);
  for (const path of keyFiles()) utimesSync(path, then, then);
  vi.setSystemTime(Date.now() + DAY);

  const retention = { policy: '10_days', period: 10 * DAY };
  const ledger = openLedger(settingsFor(directory, signer, { segmentBytes: 2_000, retention }));
  const tended = ledger.tend().catch((error: unknown) => error);
  while (keyFiles().length === 300) await setImmediate();
  await ledger.close();
  expect(await tended).toMatchObject({ name: 'AbortError' });
  const [left, kept] = [keyFiles().length, first()];
  expect(left).toBeGreaterThan(0);
  for (let turn = 0; turn < 200; turn += 1) await setImmediate();
  expect([keyFiles().length, first()]).toEqual([left, kept]);
  expect(verify()).toMatchObject({ verdict: 'intact', signed: 20 + 11 + tombstones().length });

  await write(31, 32, '10_days', 10 * DAY);
  expect(keyFiles()).toEqual([]);
  expect(first()).toBeGreaterThan(10);
  expect(verify()).toMatchObject({ verdict: 'intact', unprovenDeletions: 0 });
});

test('a ledger that deleted records early, by itself, is not intact', async () => {
  await write(0, 20, '7_years', 7 * 366 * DAY);
  const ledger = openLedger(settingsFor(directory, signer, { segmentBytes: 2_000 }));
  const names = readdirSync(join(directory, 'segments')).sort();
  const [, , next = ''] = names;
  await ledger.append({
    record_id: 'expire/x',
    timestamp: new Date(BEGIN).toISOString(),
    retention_policy: '7_years',
    event: 'records_expired',
    actor: 'ledger',
    first_seq: Number(next.slice(0, 20)),
    last_recorded_at: new Date(BEGIN).toISOString(),
    policies: ['1_day', '7_years'],
  });
  await ledger.close();
  for (const name of names.slice(0, 2)) rmSync(join(directory, 'segments', name));
  expect(verify()).toMatchObject({ verdict: 'deleted_early', fault: { seq: 20 } });
});
