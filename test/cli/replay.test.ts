import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { delivery, ids } from '../journal/contract.ts';
import { type Reader, reader } from '../journal/reader.ts';
import { PATIENCE } from '../support/eventually.ts';
import { type Ended, jsonLines, startVconOtel } from './command-line.ts';
import { runInProcess } from './in-process.ts';
import { journalFolder, NOON, OTHER_VCON, openJournal, runEvents } from './kept-runs.ts';

const A = ids(runEvents({ id: 'a' }));
const B = ids(runEvents({ id: 'b' }));

let folder: string;
let path: string;
let journal: Journal;
let jlinc: Reader;

/** A service with two runs, both delivered: one of noon, one of an hour later. */
beforeEach(async () => {
  folder = journalFolder();
  path = join(folder, 'journal.db');
  journal = await openJournal(path);
  jlinc = reader(journal, 'jlinc');
  await journal.append([
    ...runEvents({ id: 'a' }),
    ...runEvents({ id: 'b', at: NOON + 3_600_000, vcon: OTHER_VCON }),
  ]);
  for (const event of await jlinc.read(8)) jlinc.consumer.settle(event, 'ok', delivery(1));
  await vi.waitUntil(async () => (await stats('jlinc'))?.ok === 8, PATIENCE);
});

/** What of a line of the audit log says which event it is. */
interface Call {
  readonly run_id: string;
  readonly event_id: string;
}

async function stats(tracer: string): Promise<Record<string, unknown> | undefined> {
  const { stdout } = await runInProcess(['queue', 'stats', '--json', '--journal', path]);
  const { tracers } = JSON.parse(stdout) as { tracers: Record<string, unknown>[] };
  return tracers.find((found) => found.tracer === tracer);
}

function replay(...args: readonly string[]): Promise<Ended> {
  return runInProcess(['replay', ...args, '--journal', path]);
}

describe('while a service runs', () => {
  test('it watches until every event is delivered', async () => {
    const ended = replay('--tracer', 'jlinc');
    const events = await jlinc.read(8);
    expect(ids(events)).toEqual([...A, ...B]);
    for (const event of events) jlinc.consumer.settle(event, 'ok', delivery(1));
    const { code, stdout, stderr } = await ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Queued for jlinc: 8 events\nAfter [^:]+: 8 delivered\n$/);
  });

  test('what becomes a dead letter is told, with exit code 1; what is not heard is skipped', async () => {
    const ended = replay('--tracer', 'jlinc', '--vcon', OTHER_VCON, '--json');
    const [one, two, three, four] = await jlinc.read(4);
    if (!one || !two || !three || !four) throw new Error('too few events');
    jlinc.consumer.settle(one, 'dead', delivery(4, 'HTTP_400'));
    jlinc.consumer.settle(two, 'failed', delivery(1));
    jlinc.consumer.settle(three, 'unheard');
    jlinc.consumer.settle(four, 'ok', delivery(1));
    const { code, stdout } = await ended;
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      tracer: 'jlinc',
      new: false,
      events: 4,
      already_waiting: 0,
      queued: 4,
      service: true,
      interrupted: false,
      deliveries: { queued: 0, retrying: 0, ok: 1, dead: 2, skipped: 1, dropped: 0, gone: 0 },
    });
  });

  test('Ctrl-C stops watching, and not the delivery', async () => {
    const running = startVconOtel(['replay', '--tracer', 'jlinc', '--journal', path]);
    const events = await jlinc.read(8);
    running.child.kill('SIGINT');
    const { code, stdout } = await running.ended;
    expect(code).toBe(130);
    expect(stdout).toMatch(
      /^Queued for jlinc: 8 events\nAfter [^:]+: 0 delivered, 8 yet to come\nOnly watching has stopped: the service goes on delivering\.\n$/,
    );
    for (const event of events) jlinc.consumer.settle(event, 'ok', delivery(1));
    await vi.waitUntil(async () => (await stats('jlinc'))?.depth === 0, PATIENCE);
  });

  test('it stops watching when the service ends', async () => {
    const running = startVconOtel(['replay', '--tracer', 'jlinc', '--journal', path]);
    await jlinc.read(8);
    await journal.close();
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    expect(stdout).toContain(
      '8 yet to come\nNo service has the journal open: they are delivered once one has.\n',
    );
  });

  test('--no-wait only queues', async () => {
    expect((await replay('--tracer', 'jlinc', '--since', '2026-01-31T12:30:00Z', '--no-wait')).stdout).toBe(
      'Queued for jlinc: 4 events\nThe service delivers them; vcon-otel queue stats shows how far it is.\n',
    );
    expect(ids(await jlinc.read(4))).toEqual(B);
  });

  test('a name that nobody has is refused, and the journal is as before', async () => {
    const refused = await replay('--tracer', 'jlnic');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /^vcon-otel: the journal knows no tracer jlnic; it knows [\w, ]*jlinc[\w, ]* \(--new adds one\)\n$/,
    );
    expect((await replay('--tracer', 'jlnic')).stderr).toBe(refused.stderr);
  });

  test('a tracer that is new gets its place and is told to be started', async () => {
    const { code, stdout, stderr } = await replay('--tracer', 'new', '--new');
    expect([code, stderr]).toEqual([0, 'The journal knows no tracer new yet: it is added.\n']);
    expect(stdout).toBe(
      'Queued for new: 8 events\nThey are delivered when a service has this tracer: restart it with one that is configured.\n',
    );
  });
});

describe('without a service', () => {
  beforeEach(() => journal.close());

  test('it says that the events are delivered when one runs', async () => {
    const { code, stdout } = await replay('--tracer', 'jlinc', '--until', '2026-01-31T12:30:00Z');
    expect(code).toBe(0);
    expect(stdout).toBe(
      'Queued for jlinc: 4 events\nNo service has the journal open: they are delivered once one has.\n',
    );
    expect(ids(await reader(await openJournal(path), 'jlinc').read(4))).toEqual(A);
  });

  test('--dry-run counts and changes nothing', async () => {
    const before = readFileSync(path);
    expect((await replay('--tracer', 'jlinc', '--since', '36500d', '--dry-run')).stdout).toBe(
      'Would queue 8 events.\n',
    );
    const { stdout } = await replay('--tracer', 'new', '--since', '1h', '--dry-run', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ tracer: 'new', new: true, queued: 0, deliveries: null });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('a service that is started delivers the past to a tracer that is new', async () => {
    await replay('--tracer', 'audit', '--new');
    const config = join(folder, 'config.yml');
    const log = join(folder, 'audit.jsonl');
    await writeFile(
      config,
      JSON.stringify({
        tracers: { audit: { module: 'tracers.audit_log', options: { log_file: log } } },
        // Both runs are old.
        journal: { type: 'sqlite', path, retention: '36500d' },
        health: { port: 0 },
      }),
    );
    const service = startVconOtel(['serve', config]);
    await service.printed('ends it.');
    await vi.waitUntil(async () => (await stats('audit'))?.ok === 8, PATIENCE);
    service.child.kill('SIGTERM');
    expect((await service.ended).code).toBe(0);
    const calls = jsonLines(readFileSync(log, 'utf8')).map(({ metadata }) => metadata as Call);
    // Runs go side by side.
    const heard = (run: string) =>
      calls.filter(({ run_id }) => run_id.startsWith(run)).map((call) => call.event_id);
    expect([heard('a'), heard('b')]).toEqual([A, B]);
  });
});

test.each([
  [[], "required option '--tracer <name>' not specified"],
  [
    ['--tracer', 'a', '--since', 'yesterday'],
    "option '--since <time>' argument 'yesterday' is invalid. It is a date, a time (2026-01-31T12:00:00Z) or a duration (2h, 1d).",
  ],
  [['--tracer', 'a', '--since', '1h', '--until', '2h'], '--since must be before --until'],
  [
    ['--tracer', 'a', '--until', '5'],
    "option '--until <time>' argument '5' is invalid. It is a date, a time (2026-01-31T12:00:00Z) or a duration (2h, 1d).",
  ],
  [
    ['--tracer', 'a', '--config', 'c.yml'],
    "option '--journal <path>' cannot be used with option '--config <file>'",
  ],
])('replay %j is wrong usage', async (args, message) => {
  expect(await replay(...args)).toEqual({
    code: 2,
    stdout: '',
    stderr: `vcon-otel: ${message}\n(vcon-otel replay --help says how)\n`,
  });
});
