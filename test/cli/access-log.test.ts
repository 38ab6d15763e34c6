import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { type Ledger, openLedger, parseVerifierKey, verifyLedger } from '../../src/ledger/index.ts';
import { delivery } from '../journal/contract.ts';
import { reader } from '../journal/reader.ts';
import { entries, newSigner, settingsFor, uuidOf, writeLedger } from '../ledger/written-ledger.ts';
import { PATIENCE } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { runInProcess } from './in-process.ts';
import { openJournal, runEvents, VCON } from './kept-runs.ts';

const SYSTEM_USER = userInfo().username;

/** A ledger of ten records that a service has open, and commands beside it. */
async function served() {
  const directory = join(temporaryFolder(), 'ledger');
  mkdirSync(directory);
  const signer = newSigner();
  await writeLedger(directory, signer, 10);
  const open = () => openLedger(settingsFor(directory, signer));
  const ledger = open();
  return { directory, ledger, open, signer };
}

function recordsIn(directory: string): Record<string, unknown>[] {
  return readdirSync(join(directory, 'segments')).flatMap((name) =>
    readFileSync(join(directory, 'segments', name), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  );
}

/** What operators did, as a service records it at its next upkeep. */
async function deeds(directory: string, ledger: Ledger): Promise<Record<string, unknown>[]> {
  await ledger.tend();
  return recordsIn(directory).filter((record) => 'system_user' in record);
}

function intact(directory: string): string {
  const vkey = readFileSync(join(directory, 'ledger.vkey'), 'utf8').trim();
  return verifyLedger({ directory, verifiers: [parseVerifierKey(vkey)] }).verdict;
}

describe('beside a service that has the ledger open', () => {
  test('prove, export and shred are records of it, with who did it and when', async () => {
    const { directory, ledger } = await served();
    const before = Date.now();
    const run = (...args: string[]) => runInProcess(['audit', ...args]);
    expect((await run('prove', directory, '--vcon', uuidOf(0), '--actor', 'Ada Ü.')).code).toBe(0);
    const withKey = ['prove', directory, '--vcon', uuidOf(0), '--with-content-key'];
    expect((await run(...withKey)).code).toBe(0);
    expect((await run('export', directory, '--format', 'cef')).code).toBe(0);
    expect((await run('shred', directory, '--vcon', uuidOf(0), '--actor', 'Ada Ü.')).code).toBe(0);
    expect(recordsIn(directory)).toHaveLength(10);
    const told = await deeds(directory, ledger);
    const common = { system_user: SYSTEM_USER, retention_policy: '7_years' };
    expect(told).toEqual([
      expect.objectContaining({
        ...{
          ...common,
          event: 'vcon_proved',
          actor: 'Ada Ü.',
          vcon_uuid: uuidOf(0),
          with_content_key: false,
        },
      }),
      expect.objectContaining({
        ...common,
        event: 'vcon_proved',
        actor: SYSTEM_USER,
        with_content_key: true,
      }),
      expect.objectContaining({ ...common, event: 'ledger_exported', actor: SYSTEM_USER, format: 'cef' }),
      expect.objectContaining({ ...common, event: 'vcon_key_destroyed', actor: 'Ada Ü.' }),
    ]);
    for (const { timestamp } of told) {
      expect(Date.parse(String(timestamp))).toBeGreaterThanOrEqual(before - 1);
      expect(Date.parse(String(timestamp))).toBeLessThanOrEqual(Date.now());
    }
    await ledger.close();
    expect(intact(directory)).toBe('intact');
    expect(readdirSync(join(directory, 'requests'))).toEqual([]);
    // Whoever reads what is known of a vCon sees who looked before.
    const { stdout } = await run('prove', directory, '--vcon', uuidOf(0));
    expect(stdout.match(/vcon_proved/g)).toHaveLength(2);
  });

  test('ocsf and cef say who it was', async () => {
    const { directory, ledger } = await served();
    await runInProcess(['audit', 'export', directory, '--actor', 'ada']);
    await ledger.close();
    const last = async (format: string) => {
      const { stdout } = await runInProcess(['audit', 'export', directory, '--format', format]);
      return stdout.trimEnd().split('\n').at(-1) ?? '';
    };
    expect(JSON.parse(await last('ocsf'))).toMatchObject({
      activity_name: 'ledger_exported',
      actor: { user: { name: 'ada' } },
      entity: { name: 'ledger' },
    });
    expect(await last('cef')).toMatch(/\|ledger_exported\|.* suser=ada$/);
  });
});

describe('where nobody has the ledger open', () => {
  test('a command that only reads writes nothing but its word, which the next service records', async () => {
    const { directory, ledger, open } = await served();
    await ledger.close();
    const checkpoint = readFileSync(join(directory, 'checkpoint'), 'utf8');
    await runInProcess(['audit', 'export', directory]);
    expect([recordsIn(directory).length, readFileSync(join(directory, 'checkpoint'), 'utf8')]).toEqual([
      ...[10, checkpoint],
    ]);
    const next = open();
    await next.append(entries(1, 10)[0] ?? raise());
    await next.close();
    expect(recordsIn(directory).map(({ event }) => event)).toContain('ledger_exported');
    expect(intact(directory)).toBe('intact');
  });

  test('what was done in one millisecond is not lost, and what is repeated is recorded once', async () => {
    const { directory, ledger } = await served();
    vi.useFakeTimers({ toFake: ['Date'] });
    for (const actor of ['ada', 'bob', 'ada'])
      await runInProcess(['audit', 'export', directory, '--actor', actor]);
    vi.useRealTimers();
    expect((await deeds(directory, ledger)).map(({ actor }) => actor).sort()).toEqual(['ada', 'bob']);
    await ledger.close();
  });
});

describe('what cannot be recorded', () => {
  test('is told, and the command goes on', async () => {
    const { directory, ledger } = await served();
    await ledger.close();
    writeFileSync(join(directory, 'requests'), 'in the way of a folder');
    const { code, stdout, stderr } = await runInProcess(['audit', 'export', directory]);
    expect([code, stdout.split('\n').length]).toEqual([0, 11]);
    expect(stderr).toMatch(/this is not recorded in the ledger in .+ \(E\w+\)/);
  });

  test('because nobody keeps the ledger any more is told; the destruction of a key waits all the same', async () => {
    const { directory, ledger } = await served();
    await ledger.close();
    const folder = join(directory, 'requests');
    mkdirSync(folder, { mode: 0o700 });
    for (let i = 0; i < 10_000; i += 1) writeFileSync(join(folder, String(i)), '');
    const { code, stderr } = await runInProcess(['audit', 'export', directory]);
    expect([code, stderr]).toEqual([0, expect.stringContaining('not recorded')]);
    const shredded = await runInProcess(['audit', 'shred', directory, '--vcon', uuidOf(0)]);
    expect([shredded.code, readdirSync(folder).length]).toEqual([0, 10_001]);
  });

  test('because somebody else left it there, does not keep others from being recorded', async () => {
    const { directory, ledger, signer } = await served();
    await ledger.close();
    mkdirSync(join(directory, 'requests'), { mode: 0o700 });
    writeFileSync(join(directory, 'requests', 'note.txt'), 'no request');
    writeFileSync(join(directory, 'requests', `1-${'0'.repeat(64)}`), '{"event":"ledger_exported"}');
    await runInProcess(['audit', 'export', directory]);
    const notice = vi.fn();
    const next = openLedger(settingsFor(directory, signer, { notice }));
    expect(await deeds(directory, next)).toHaveLength(1);
    await next.close();
    // What has the name of a request is told of; what it says is not recorded.
    expect(new Set(notice.mock.calls.map(([about]) => about))).toEqual(new Set(['strange']));
    expect(intact(directory)).toBe('intact');
  });

  test.each(['', 'conserver', 'a\nb', 'x'.repeat(257)])('an actor may not be called %j', async (actor) => {
    const { directory, ledger } = await served();
    await ledger.close();
    const { code, stdout } = await runInProcess(['audit', 'export', directory, '--actor', actor]);
    expect([code, stdout]).toEqual([3, '']);
  });
});

test.skipIf(process.getuid?.() !== 0)('what root leaves belongs to whom the ledger belongs to', async () => {
  const { directory, ledger } = await served();
  await ledger.close();
  chmodSync(directory, 0o700);
  const { uid, gid } = statSync(directory);
  await runInProcess(['audit', 'export', directory]);
  const [name = ''] = readdirSync(join(directory, 'requests'));
  const left = statSync(join(directory, 'requests', name));
  expect([left.uid, left.gid, left.mode & 0o777]).toEqual([uid, gid, 0o600]);
});

test('decisions about a journal are records of each ledger that the configuration names', async () => {
  const folder = temporaryFolder();
  const { directory, ledger } = await served();
  const path = join(folder, 'journal.db');
  const journal = await openJournal(path);
  const mine = reader(journal, 'mine');
  await journal.append(runEvents({ id: 'a', at: Date.now() - 1_000 }));
  const [one, two] = await mine.read(2);
  if (!one || !two) throw new Error('too few events');
  for (const event of [one, two]) mine.consumer.settle(event, 'dead', delivery(1, 'HTTP_400'));
  await journal.append([]);
  const config = join(folder, 'vcon-otel.yaml');
  writeFileSync(
    config,
    stringify({
      journal: { type: 'sqlite', path },
      tracers: {
        audit: { module: 'tracers.compliance', options: { directory } },
        mine: { module: 'tracers.metrics' },
        gone: { module: './gone.ts' },
      },
    }),
  );
  const by = ['--tracer', 'mine', '--config', config, '--actor', 'ada'];
  await vi.waitUntil(async () => {
    const { stdout } = await runInProcess(['queue', 'dead', '--config', config, '--json']);
    return JSON.parse(stdout).events.length === 2;
  }, PATIENCE);
  const skipped = await runInProcess(['queue', 'skip', one.eventId, ...by]);
  expect(skipped).toMatchObject({ code: 0, stdout: 'Skipped: 1 event\n' });
  expect((await runInProcess(['queue', 'retry', '--vcon', VCON, ...by])).stdout).toMatch(
    /^Queued again: 1 event/,
  );
  expect((await runInProcess(['replay', '--vcon', VCON, '--no-wait', ...by])).code).toBe(0);
  // Without a configuration no ledger is known, and nothing was changed by this.
  await runInProcess(['queue', 'skip', '--all-dead', ...by]);
  const common = { actor: 'ada', tracer: 'mine' };
  expect(await deeds(directory, ledger)).toEqual([
    expect.objectContaining({
      ...common,
      event: 'events_skipped',
      events: 1,
      event_ids: [one.eventId],
    }),
    expect.objectContaining({ ...common, event: 'events_requeued', events: 1, vcon_uuid: VCON }),
    expect.objectContaining({ ...common, event: 'events_replayed', vcon_uuid: VCON }),
  ]);
  await ledger.close();
  await journal.close();
  expect(intact(directory)).toBe('intact');
});

function raise(): never {
  throw new Error('there is none');
}
