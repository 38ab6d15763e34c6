import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs, {
  appendFileSync,
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import {
  type LedgerEntry,
  ledgerSigner,
  openLedger,
  parseVerifierKey,
  readHeads,
  verifierBeside,
  verifyLedger,
} from '../../../src/ledger/index.ts';
import { eventually, PATIENCE } from '../../support/eventually.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { verify } from '../verify/tampering.ts';
import { entries, newSigner, settingsFor, writeLedger } from '../written-ledger.ts';

const FIRST = 'segments/00000000000000000000.jsonl';
const DAY = 86_400_000;
const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;

function linesOf(directory: string): Record<string, unknown>[] {
  return readdirSync(join(directory, 'segments'))
    .sort()
    .flatMap((name) =>
      readFileSync(join(directory, 'segments', name), 'utf8')
        .trimEnd()
        .split('\n'),
    )
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('append', () => {
  test('answers when the record is in the file', async () => {
    const directory = temporaryFolder();
    const ledger = openLedger(settingsFor(directory, newSigner()));
    for (const [i, entry] of entries(5).entries()) {
      await ledger.append(entry);
      expect(linesOf(directory)).toHaveLength(i + 1);
    }
    await ledger.close();
  });

  test('writes calls that come together in the order in which they came', async () => {
    const directory = temporaryFolder();
    const signer = newSigner();
    await writeLedger(directory, signer, 3_000);
    expect(linesOf(directory).map(({ record_id }) => record_id)).toEqual(
      entries(3_000).map(({ record_id }) => record_id),
    );
    expect(verify(directory, signer)).toMatchObject({ verdict: 'intact', size: 3_000 });
  });

  test('writes a record once, however often it is told of it, before and after it is opened anew', async () => {
    const directory = temporaryFolder();
    const signer = newSigner();
    const twice = (ledger: ReturnType<typeof openLedger>) =>
      Promise.all([...entries(20), ...entries(20)].map((entry) => ledger.append(entry)));
    const ledger = openLedger(settingsFor(directory, signer));
    await twice(ledger);
    await twice(ledger);
    await ledger.close();
    const again = openLedger(settingsFor(directory, signer));
    await twice(again);
    await again.close();
    expect(linesOf(directory)).toHaveLength(20);
  });

  test.each([0, 1, 2, 3, 4, 5, 6])(
    'is answered too when it comes %i microtasks after an answer',
    async (turns) => {
      const ledger = openLedger(settingsFor(temporaryFolder(), newSigner()));
      for (const entry of entries(10)) {
        await ledger.append(entry);
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      }
      await ledger.close();
      expect(ledger.size).toBe(10);
    },
  );

  test('refuses what can never be a record, alone', async () => {
    const directory = temporaryFolder();
    const ledger = openLedger(settingsFor(directory, newSigner()));
    const [a, b, c, d] = entries(4) as [LedgerEntry, LedgerEntry, LedgerEntry, LedgerEntry];
    const answers = await Promise.allSettled([
      ledger.append(a),
      ledger.append({ ...b, record_id: '\ud800' }),
      ledger.append({ ...c, record_id: 'x'.repeat(20_000) }),
      ledger.append(d),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(answers[1]).toMatchObject({ reason: expect.any(RangeError) });
    await ledger.close();
    expect(linesOf(directory).map(({ seq }) => seq)).toEqual([0, 1]);
  });

  test.each([
    ['an empty chain', { chain: '' }],
    ['a long chain', { chain: 'x'.repeat(1_025) }],
    ['an empty step', { step: '' }],
    ['a long step', { step: 'x'.repeat(1_025) }],
    ['a step that no array has', { step_index: 1e300 }],
    ['a year of five digits', { timestamp: '+010000-01-01T00:00:00.000Z' }],
    ['a long id', { record_id: 'x'.repeat(1_025) }],
    ['a long run', { run_id: 'x'.repeat(1_025) }],
    ['a vCon without a name', { vcon_uuid: '' }],
    ['another vCon without a name', { in_vcon_uuid: '' }],
    ['a long type of error', { error_type: 'x'.repeat(129) }],
    ['a trace without an id', { trace_id: '' }],
    ['a span without an id', { span_id: '' }],
  ])('refuses what could not be read again: %s', async (_what, odd) => {
    const directory = temporaryFolder();
    const signer = newSigner();
    const [a, b] = entries(2) as [LedgerEntry, LedgerEntry];
    const ledger = openLedger(settingsFor(directory, signer));
    const told = await Promise.allSettled([ledger.append({ ...a, ...odd } as LedgerEntry), ledger.append(b)]);
    expect(told).toMatchObject([
      { status: 'rejected', reason: expect.any(RangeError) },
      { status: 'fulfilled' },
    ]);
    await ledger.close();
    expect(verify(directory, signer)).toMatchObject({ verdict: 'intact', size: 1 });
    await openLedger(settingsFor(directory, signer)).close();
  });

  test('is refused once the ledger is closed', async () => {
    const ledger = openLedger(settingsFor(temporaryFolder(), newSigner()));
    await ledger.close();
    await ledger.close();
    const [entry] = entries(1) as [LedgerEntry];
    await expect(ledger.append(entry)).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
  });
});

describe('one process at a time', () => {
  test('a ledger that is open cannot be opened again, until it is closed', async () => {
    const settings = settingsFor(temporaryFolder(), newSigner());
    const ledger = openLedger(settings);
    expect(() => openLedger(settings)).toThrow(expect.objectContaining({ code: 'LEDGER_IN_USE' }));
    await ledger.close();
    await openLedger(settings).close();
  });
});

describe('checkpoints', () => {
  test('are signed after so many records, go to the anchor too, and grow from each other', async () => {
    const directory = temporaryFolder();
    const signer = newSigner();
    const anchor = join(temporaryFolder(), 'anchor');
    const ledger = openLedger(
      settingsFor(directory, signer, { anchor, checkpoint: { every: 10, interval: 1e6 } }),
    );
    const signed = () => (existsSync(anchor) ? readHeads(readFileSync(anchor, 'utf8')) : []);
    for (const [i, entry] of entries(35).entries()) {
      await ledger.append(entry);
      // They are signed beside it: on a busy machine two become one.
      if ((i + 1) % 10 === 0)
        await eventually('it is signed', () => signed().at(-1)?.size === i + 1 || undefined);
    }
    await ledger.close();
    const heads = signed();
    expect(heads.map(({ size }) => size)).toEqual([10, 20, 30, 35]);
    expect(readFileSync(anchor, 'utf8')).toBe(readFileSync(join(directory, 'checkpoints'), 'utf8'));
    const verifiers = [parseVerifierKey(signer.vkey)];
    expect(verifyLedger({ directory, verifiers, since: heads }).verdict).toBe('intact');
  });

  test('are signed after a time', async () => {
    const directory = temporaryFolder();
    const ledger = openLedger(
      settingsFor(directory, newSigner(), { checkpoint: { every: 1e6, interval: 5 } }),
    );
    await ledger.append(entries(1)[0] as LedgerEntry);
    await vi.waitUntil(() => existsSync(join(directory, 'checkpoint')), PATIENCE);
    expect(readHeads(readFileSync(join(directory, 'checkpoint'), 'utf8'))[0]?.size).toBe(1);
    await ledger.close();
  });

  test('an anchor that cannot be written is told, and the ledger goes on', async () => {
    const notice = vi.fn();
    const directory = temporaryFolder();
    const signer = newSigner();
    await writeLedger(directory, signer, 3, { anchor: join(directory, 'no', 'such', 'folder'), notice });
    expect(notice).toHaveBeenCalledWith('anchor', expect.any(String));
    expect(verify(directory, signer).verdict).toBe('intact');
  });

  test('another key cannot go on with a ledger', async () => {
    const directory = temporaryFolder();
    await writeLedger(directory, newSigner(), 3);
    expect(() => openLedger(settingsFor(directory, newSigner()))).toThrow(
      expect.objectContaining({ code: 'KEY_INVALID' }),
    );
  });
});

describe('segments', () => {
  test('follow each other, and are one ledger', async () => {
    const directory = temporaryFolder();
    const signer = newSigner();
    for (const upTo of [300, 700, 1_500])
      await writeLedger(directory, signer, upTo, { segmentBytes: 60_000 });
    expect(readdirSync(join(directory, 'segments')).length).toBeGreaterThan(2);
    expect(verify(directory, signer)).toMatchObject({ verdict: 'intact', size: 1_500, signed: 1_500 });
    expect(linesOf(directory)).toHaveLength(1_500);
  });

  test('a missing one is noticed', async () => {
    const directory = temporaryFolder();
    const signer = newSigner();
    for (const upTo of [300, 700, 1_500])
      await writeLedger(directory, signer, upTo, { segmentBytes: 60_000 });
    const names = readdirSync(join(directory, 'segments')).sort();
    for (const name of names) {
      const path = join(directory, 'segments', name);
      const content = readFileSync(path);
      rmSync(path);
      expect(verify(directory, signer)).toMatchObject({
        verdict: 'tampered',
        fault: { seq: name === names[0] ? 0 : Number(name.slice(0, 20)) },
      });
      writeFileSync(path, content);
    }
  });
});

describe('retention', () => {
  const old = { segmentBytes: 60_000 };

  test('deletes whole segments, says so, and what is left verifies from its checkpoint on', async () => {
    const directory = temporaryFolder();
    const signer = newSigner();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2020, 0, 1) });
    try {
      const short = { ...old, retention: { policy: '30_days', period: 30 * DAY } };
      const write = async (from: number, to: number) => {
        const ledger = openLedger(settingsFor(directory, signer, short));
        await Promise.all(policied(from, to).map((entry) => ledger.append(entry)));
        await ledger.tend();
        await ledger.close();
      };
      for (const upTo of [300, 700]) await write(upTo === 300 ? 0 : 300, upTo);
      const kept = readFileSync(join(directory, 'checkpoint'), 'utf8');
      // Two records a day, so that the ledger sees time pass.
      for (let day = 1; day <= 33; day += 1) {
        vi.setSystemTime(Date.UTC(2020, 0, 1 + day));
        await write(700 + 2 * (day - 1), 700 + 2 * day);
      }
      const names = readdirSync(join(directory, 'segments')).sort();
      const first = Number(names[0]?.slice(0, 20));
      expect(first).toBe(700);
      const verdict = verify(directory, signer);
      expect(verdict).toMatchObject({
        verdict: 'intact',
        first,
        size: 700 + 66 + 1,
        unprovenDeletions: 0,
        completeness: { endsWithoutStart: 0 },
      });
      const verifiers = [parseVerifierKey(signer.vkey)];
      expect(verifyLedger({ directory, verifiers, since: readHeads(kept) }).verdict).toBe('intact');
      // The same without the word of the ledger is tampering.
      rmSync(join(directory, 'segments', names[0] ?? ''));
      expect(verify(directory, signer)).toMatchObject({ verdict: 'tampered', fault: { seq: 0 } });
    } finally {
      vi.useRealTimers();
    }
  });
});

/** Events whose records are to be kept for 30 days. */
function policied(from: number, to: number): LedgerEntry[] {
  return entries(to - from, from).map((entry) => ({ ...entry, retention_policy: '30_days' }));
}

describe('upkeep', () => {
  test('what cannot be done is told, and does not keep the end from being signed', async () => {
    const directory = temporaryFolder();
    const signer = newSigner();
    const notice = vi.fn();
    writeFileSync(join(directory, 'requests'), 'in the way of a folder');
    const ledger = openLedger(settingsFor(directory, signer, { notice }));
    await ledger.append(entries(1)[0] as LedgerEntry);
    expect(notice).toHaveBeenCalledWith('upkeep', expect.stringContaining('ENOTDIR'));
    await ledger.close();
    expect(verify(directory, signer)).toMatchObject({ verdict: 'intact', signed: 1 });
  });
});

describe('after a crash', () => {
  test('an unfinished record is cut off, kept, told and recorded, and all that was acknowledged is there', async () => {
    const directory = temporaryFolder();
    const signer = newSigner();
    const notice = vi.fn();
    await writeLedger(directory, signer, 10);
    appendFileSync(join(directory, FIRST), '{"actor":"conserver","chai\0\0');
    expect(verify(directory, signer).verdict).toBe('torn');
    const ledger = openLedger(settingsFor(directory, signer, { notice }));
    await ledger.append(entries(1, 10)[0] as LedgerEntry);
    await ledger.close();
    expect(notice).toHaveBeenCalledWith('torn', expect.stringContaining('28 bytes'));
    expect(
      linesOf(directory)
        .map(({ event }) => event)
        .slice(9),
    ).toEqual(['link_start', 'tail_repaired', 'link_complete']);
    expect(readdirSync(join(directory, 'torn'))).toHaveLength(1);
    expect(verify(directory, signer)).toMatchObject({ verdict: 'intact', size: 12 });
  });

  test.skipIf(process.platform !== 'linux')(
    'what a killed process left is on the disk before it counts',
    async () => {
      const directory = temporaryFolder();
      const signer = newSigner();
      await writeLedger(directory, signer, 10);
      const synced: string[] = [];
      const { fsyncSync } = fs;
      fs.fsyncSync = (file) => {
        synced.push(readlinkSync(`/proc/self/fd/${file}`));
        fsyncSync(file);
      };
      syncBuiltinESMExports();
      try {
        const ledger = openLedger(settingsFor(directory, signer));
        expect(synced).toContain(join(directory, FIRST));
        await ledger.close();
      } finally {
        fs.fsyncSync = fsyncSync;
        syncBuiltinESMExports();
      }
    },
  );

  test('records that are signed although nobody signed them before are told', async () => {
    const directory = temporaryFolder();
    const signer = newSigner();
    const notice = vi.fn();
    await writeLedger(directory, signer, 10);
    await openLedger(settingsFor(directory, signer, { notice })).close();
    expect(notice).not.toHaveBeenCalled();
    for (const name of ['checkpoint', 'checkpoints']) rmSync(join(directory, name));
    await openLedger(settingsFor(directory, signer, { notice })).close();
    expect(notice.mock.calls).toEqual([['unsigned', expect.stringContaining('the last 10 records')]]);
  });

  test('an unfinished checkpoint is written over', async () => {
    const directory = temporaryFolder();
    const signer = newSigner();
    await writeLedger(directory, signer, 10);
    appendFileSync(join(directory, 'checkpoints'), 'ledger.example/test\n12');
    expect(verify(directory, signer).verdict).toBe('torn');
    await writeLedger(directory, signer, 11);
    expect(verify(directory, signer)).toMatchObject({ verdict: 'intact', checkpoints: 2 });
  });

  test('a newest checkpoint that is missing or damaged is written anew', async () => {
    const { directory, file } = await namedLedger();
    const checkpoint = readFileSync(file('checkpoint'), 'utf8');
    for (const content of [undefined, '', checkpoint.slice(0, 40), 'x'.repeat(300)]) {
      if (content === undefined) rmSync(file('checkpoint'));
      else writeFileSync(file('checkpoint'), content);
      const { signer, made } = ledgerSigner(directory);
      await openLedger(settingsFor(directory, signer)).close();
      expect(made).toBe(false);
      expect(readFileSync(file('checkpoint'), 'utf8')).toBe(checkpoint);
    }
  });

  test('damaged checkpoints are told as what they are, and never as another key', async () => {
    const { directory, file } = await namedLedger();
    const [checkpoint, history] = ['checkpoint', 'checkpoints'].map((name) =>
      readFileSync(file(name), 'utf8'),
    );
    if (checkpoint === undefined || history === undefined) throw new Error('no checkpoints');
    const older = history.slice(0, history.indexOf('\n', history.indexOf('—')) + 1);
    const renamed = (text: string) => text.replace('vcon-otel.local', 'vcon-otel.locam');
    for (const [newest, all, reason] of [
      [checkpoint, older, /checkpoints ends before the newest checkpoint, of 20 records/],
      [checkpoint, '', /checkpoints ends before/],
      [checkpoint, renamed(history), /name different ledgers/],
      [renamed(checkpoint), history, /name different ledgers/],
      ['', `x${'\nx'.repeat(9)}\n`, /neither begins with a checkpoint/],
      [
        checkpoint,
        history.replace(/\u2014 (\S+) ....(?!.*\u2014)/s, '\u2014 $1 AAAA'),
        /not signed with the key of the ledger/,
      ],
      [
        checkpoint,
        history.replace(/(?<=\n20\n)./, (letter) => (letter === '/' ? '+' : '/')),
        /the signature of a checkpoint is wrong/,
      ],
    ] as const) {
      writeFileSync(file('checkpoint'), newest);
      writeFileSync(file('checkpoints'), all);
      const open = () => openLedger(settingsFor(directory, ledgerSigner(directory).signer));
      expect(open, String(reason)).toThrow(expect.objectContaining({ code: 'LEDGER_DAMAGED' }));
      expect(open).toThrow(reason);
    }
  });

  test('tiles of the last segment are made again', async () => {
    const directory = temporaryFolder();
    const signer = newSigner();
    await writeLedger(directory, signer, 700, { segmentBytes: 60_000 });
    await writeLedger(directory, signer, 900, { segmentBytes: 60_000 });
    rmSync(join(directory, 'tile/0/003.p'), { recursive: true });
    expect(verify(directory, signer)).toMatchObject({
      verdict: 'tampered',
      fault: { reason: 'the tile is missing' },
    });
    await writeLedger(directory, signer, 900, { segmentBytes: 60_000 });
    expect(verify(directory, signer).verdict).toBe('intact');
  });

  test('what is not what was signed is not gone on with', async () => {
    const directory = temporaryFolder();
    const signer = newSigner();
    await writeLedger(directory, signer, 10);
    const content = readFileSync(join(directory, FIRST), 'utf8');
    for (const changed of [
      content.replace('main', 'mail'),
      content.slice(0, -50),
      content.split('\n').slice(1).join('\n'),
      '',
    ]) {
      writeFileSync(join(directory, FIRST), changed);
      expect(() => openLedger(settingsFor(directory, signer))).toThrow(
        expect.objectContaining({ code: 'LEDGER_DAMAGED' }),
      );
    }
    // Nor is anything changed about it.
    expect(statSync(join(directory, FIRST)).size).toBe(0);
  });
});

describe('a write that fails', () => {
  test('is not acknowledged, and the next one goes on from the true end', async () => {
    const directory = temporaryFolder();
    const signer = newSigner();
    const [a, b, c] = entries(3) as [LedgerEntry, LedgerEntry, LedgerEntry];
    await writeLedger(directory, signer, 1);
    const ledger = openLedger(settingsFor(directory, signer));
    rmSync(join(directory, FIRST));
    await expect(ledger.append(b)).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
    await expect(ledger.append(c)).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
    await ledger.close();
    expect(a.record_id).not.toBe(b.record_id);
  });

  test('to a file that was deleted meanwhile is none', async () => {
    const directory = temporaryFolder();
    const [a, b, c] = entries(3) as [LedgerEntry, LedgerEntry, LedgerEntry];
    const ledger = openLedger(settingsFor(directory, newSigner()));
    await ledger.append(a);
    rmSync(directory, { recursive: true });
    await expect(ledger.append(b)).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
    await expect(ledger.append(c)).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
    await ledger.close().catch(() => undefined);
  });

  test.skipIf(!hasPrlimit)('to a full disk loses and doubles nothing', async () => {
    const directory = temporaryFolder();
    const script = join(import.meta.dirname, 'full-disk.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [script, directory], { timeout: 300_000 });
    const ids = (from: number, to: number) => entries(to - from, from).map(({ record_id }) => record_id);
    const expected = [...ids(0, 8), ...ids(10, 20)];
    expect(JSON.parse(stdout)).toEqual(expected);
    expect(linesOf(directory).map(({ record_id }) => record_id)).toEqual(expected);
    const verifiers = verifierBeside(directory);
    expect(verifyLedger({ directory, verifiers }).verdict).toBe('intact');
  });

  test('by a process that is killed costs nothing that was acknowledged', async () => {
    const directory = temporaryFolder();
    const script = join(import.meta.dirname, 'killed.ts');
    const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    let acknowledged = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      acknowledged = Number(text.trimEnd().split('\n').at(-1));
      if (acknowledged > 500) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const { signer } = ledgerSigner(directory);
    const ledger = openLedger(settingsFor(directory, signer));
    expect(ledger.size).toBeGreaterThanOrEqual(acknowledged);
    await ledger.close();
    expect(verify(directory, signer).verdict).toBe('intact');
  });
});

test('only their owner can read the records', async () => {
  const directory = temporaryFolder();
  await writeLedger(directory, newSigner(), 1);
  chmodSync(directory, 0o755);
  expect(statSync(join(directory, FIRST)).mode & 0o777).toBe(0o600);
  expect(statSync(join(directory, 'segments')).mode & 0o777).toBe(0o700);
});

/** A ledger of 20 records and two checkpoints, whose origin and key stand nowhere else. */
async function namedLedger() {
  const directory = temporaryFolder();
  const { signer } = ledgerSigner(directory);
  for (const upTo of [10, 20]) await writeLedger(directory, signer, upTo);
  return { directory, file: (name: string) => join(directory, name) };
}
