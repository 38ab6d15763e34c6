import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type Ledger,
  type LedgerSettings,
  leaveRequest,
  openLedger,
  openMirror,
  verifyLedger,
} from '../../../src/ledger/index.ts';
import { parseVerifierKey } from '../../../src/ledger/proof/note.ts';
import { PATIENCE } from '../../support/eventually.ts';
import { entries, newSigner, settingsFor } from '../written-ledger.ts';

const signer = newSigner();
let root: string;
const folder = () => root;
let ledgers: Ledger[];
let notices: string[];

beforeEach(() => {
  ledgers = [];
  notices = [];
  root = mkdtempSync(join(tmpdir(), 'vcon-otel-mirror-'));
  mkdirSync(mirror(), { recursive: true });
});
afterEach(async () => {
  for (const ledger of ledgers) await ledger.close();
  rmSync(root, { recursive: true });
});

const mirror = () => join(folder(), 'mirror');
const original = () => join(folder(), 'ledger');

function open(more: Partial<LedgerSettings> = {}, at = original()): Ledger {
  const told = notices;
  const ledger = openLedger(
    settingsFor(at, signer, {
      checkpoint: { every: 20, interval: 1_000_000 },
      mirror: openMirror({ type: 'directory', path: mirror() }),
      segmentBytes: 20_000,
      notice: (about, text) => told.push(`${about}: ${text}`),
      ...more,
    }),
  );
  ledgers.push(ledger);
  return ledger;
}

async function append(ledger: Ledger, count: number, from = 0): Promise<void> {
  for (let at = from; at < from + count; at += 10)
    await Promise.all(entries(Math.min(10, from + count - at), at).map((entry) => ledger.append(entry)));
}

const verdict = (directory = mirror()) =>
  verifyLedger({ directory, verifiers: [parseVerifierKey(signer.vkey)], mustBeSigned: true });

/** Waits until the mirror lacks nothing. */
const caughtUp = (ledger: Ledger) =>
  vi.waitUntil(() => ledger.standing.mirror?.records === 0 && ledger.standing.mirror.seconds === 0, PATIENCE);

/** Every file of a ledger that has to be in a mirror. */
function files(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort())
    if (/^(segments\/|tile\/.*[^p/]$|checkpoints?$|ledger.vkey$)/.test(name) && /[a-z0-9]$/.test(name))
      try {
        found[name] = readFileSync(join(directory, name), 'hex');
      } catch {
        // A folder.
      }
  return found;
}

/** Tiles that are partial, of older trees, need not be in both. */
const withoutPartial = (found: Record<string, string>) =>
  Object.fromEntries(Object.entries(found).filter(([name]) => !name.includes('.p/')));

describe('a mirror in a directory', () => {
  test('is a ledger that verifies by itself, the same as its original, over many segments', async () => {
    const ledger = open();
    await append(ledger, 700);
    await ledger.tend();
    await caughtUp(ledger);
    expect(verdict()).toMatchObject({ verdict: 'intact', size: 700, signed: 700 });
    expect(readdirSync(join(mirror(), 'segments')).length).toBeGreaterThan(5);
    expect(withoutPartial(files(mirror()))).toEqual(withoutPartial(files(original())));
    expect(readdirSync(mirror()).sort()).toEqual([
      'checkpoint',
      'checkpoints',
      'ledger.vkey',
      'segments',
      'tile',
    ]);
    expect(notices).toEqual([]);
  });

  test('goes on where it was after a restart, and when it was not there for a while', async () => {
    const first = open();
    await append(first, 100);
    await first.tend();
    await caughtUp(first);
    await first.close();
    renameSync(mirror(), join(folder(), 'away'));
    const second = open();
    await append(second, 400, 100);
    await second.close();
    expect(notices.join()).toContain('cannot be written (ENOENT)');
    expect(existsSync(mirror())).toBe(false);
    renameSync(join(folder(), 'away'), mirror());
    const third = open();
    expect(third.standing.mirror?.records).toBe(400);
    await caughtUp(third);
    expect(verdict()).toMatchObject({ verdict: 'intact', size: 500 });
  });

  test('is not begun anew where it was and is empty by now, as a disk is that is not mounted', async () => {
    const first = open();
    await append(first, 40);
    await first.tend();
    await caughtUp(first);
    await first.close();
    renameSync(mirror(), join(folder(), 'away'));
    mkdirSync(mirror());
    const second = open();
    await vi.waitUntil(() => notices.join().includes('is it mounted?'), PATIENCE);
    expect(readdirSync(mirror())).toEqual([]);
    expect(second.standing.mirror?.seconds).toBeGreaterThan(0);
    rmSync(mirror(), { recursive: true });
    renameSync(join(folder(), 'away'), mirror());
    await append(second, 40, 40);
    await second.tend();
    await caughtUp(second);
    expect(verdict()).toMatchObject({ verdict: 'intact', size: 80 });
  });

  test('has no key, and nothing that only the ledger needs', async () => {
    const ledger = open();
    leaveRequest(original(), { event: 'ledger_exported', format: 'jsonl', actor: 'a', system_user: 'a' });
    mkdirSync(join(original(), 'keys', 'aa'), { recursive: true });
    writeFileSync(join(original(), 'keys', 'aa', 'bb'), 'secret');
    await append(ledger, 20);
    await ledger.tend();
    await caughtUp(ledger);
    const there = readdirSync(mirror(), { recursive: true, encoding: 'utf8' });
    expect(there.filter((name) => /key|request|lock|mirrors/.test(name))).toEqual(['ledger.vkey']);
  });

  test('follows a deletion once the record of it is there', async () => {
    const ledger = open();
    await append(ledger, 300);
    await ledger.tend();
    await caughtUp(ledger);
    const before = readdirSync(join(mirror(), 'segments')).length;
    leaveRequest(original(), {
      event: 'expiry_ordered',
      before: new Date(Date.now() + 60_000).toISOString(),
      reason: 'a test',
      actor: 'a',
      system_user: 'a',
    });
    await ledger.tend();
    await append(ledger, 20, 300);
    await ledger.tend();
    await caughtUp(ledger);
    await vi.waitUntil(() => readdirSync(join(mirror(), 'segments')).length < before, PATIENCE);
    expect(verdict()).toMatchObject({ verdict: 'intact', size: 322 });
    expect(verdict().first).toBe(verdict(original()).first);
  });

  test('that has more of this ledger than the ledger itself shows that it was set back: nothing is signed any more', async () => {
    const first = open();
    await append(first, 40);
    await first.tend();
    await caughtUp(first);
    cpSync(original(), join(folder(), 'older'), { recursive: true });
    await append(first, 40, 40);
    await first.tend();
    await caughtUp(first);
    await first.close();
    const there = files(mirror());
    const second = open({}, join(folder(), 'older'));
    await vi.waitUntil(() => second.fault !== undefined, PATIENCE);
    expect(second.fault).toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
    expect(second.fault?.message).toContain(
      'the mirror has a checkpoint of 80 records, of which 40 are here',
    );
    await expect(append(second, 1, 90)).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
    expect(files(mirror())).toEqual(there);
  });

  test.each([
    [
      'has another record',
      (at: string) => {
        const file = join(at, 'segments', '00000000000000000000.jsonl');
        writeFileSync(file, readFileSync(file, 'utf8').replace('transcribe', 'transcribd'));
      },
      'record 1 is another there, in segments/',
    ],
    [
      'lacks its last record',
      (at: string) => {
        const file = join(at, 'segments', '00000000000000000000.jsonl');
        writeFileSync(file, readFileSync(file).subarray(0, -10));
      },
      'it lacks record 39, which its checkpoint covers',
    ],
    [
      'was signed by somebody else',
      (at: string) =>
        writeFileSync(join(at, 'checkpoint'), newSigner().sign(`${signer.name}\n0\n${'A'.repeat(43)}=\n`)),
      'its checkpoint was not signed by this ledger',
    ],
    [
      'has no checkpoint, and other records',
      (at: string) => {
        rmSync(join(at, 'checkpoint'));
        rmSync(join(original(), 'mirrors'), { recursive: true });
        writeFileSync(join(at, 'segments', '00000000000000000000.jsonl'), '{}\n');
      },
      'it has other records, and no checkpoint',
    ],
    [
      'has another history',
      (at: string) => {
        const file = join(at, 'checkpoints');
        writeFileSync(file, `${readFileSync(file, 'utf8').slice(0, -9)}AAAAAAAA\n`);
      },
      'its history of checkpoints is another',
    ],
  ])('that %s is left as it is, and told of', async (_, tamper, said) => {
    const first = open({ segmentBytes: 1_000_000 });
    await append(first, 40);
    await first.tend();
    await caughtUp(first);
    await first.close();
    tamper(mirror());
    const there = files(mirror());
    const second = open({ segmentBytes: 1_000_000 });
    await append(second, 40, 40);
    await second.tend();
    await vi.waitUntil(() => notices.join().includes(said), PATIENCE);
    expect(second.fault).toBeUndefined();
    await second.close();
    expect(files(mirror())).toEqual(there);
  });

  test('takes what a copy that was broken off has left behind its checkpoint for nothing', async () => {
    const first = open({ segmentBytes: 1_000_000 });
    await append(first, 40);
    await first.tend();
    await caughtUp(first);
    await first.close();
    appendFileSync(join(mirror(), 'segments', '00000000000000000000.jsonl'), '{"half');
    appendFileSync(join(mirror(), 'checkpoints'), 'half');
    const second = open({ segmentBytes: 1_000_000 });
    await append(second, 40, 40);
    await second.tend();
    await caughtUp(second);
    expect(verdict()).toMatchObject({ verdict: 'intact', size: 80 });
  });

  test.skipIf(process.getuid?.() === 0)('that cannot be written holds up nothing', async () => {
    chmodSync(mirror(), 0o500);
    const ledger = open();
    await append(ledger, 40);
    await vi.waitUntil(() => notices.join().includes('cannot be written (EACCES)'), PATIENCE);
    chmodSync(mirror(), 0o700);
    await caughtUp(ledger);
    expect(verdict()).toMatchObject({ verdict: 'intact', size: 40 });
  });
});
