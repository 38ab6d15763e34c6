import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { SpanLog, spanLogFolder } from '../../src/exporters/index.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { systemClock } from '../../src/model/clock.ts';
import { delivery, ids } from '../journal/contract.ts';
import { type Reader, reader } from '../journal/reader.ts';
import { PATIENCE } from '../support/eventually.ts';
import type { Ended } from './command-line.ts';
import { runInProcess } from './in-process.ts';
import { journalFolder, OTHER_VCON, openJournal, runEvents, VCON } from './kept-runs.ts';

const hint = (command: string) => `\n(vcon-otel queue ${command} --help says how)\n`;

let folder: string;
let path: string;
let journal: Journal;
let jlinc: Reader;

/** A service with two runs, of which a tracer has given up three events; one is being retried. */
beforeEach(async () => {
  folder = journalFolder();
  path = join(folder, 'journal.db');
  journal = await openJournal(path);
  jlinc = reader(journal, 'jlinc');
  const at = Date.now() - 90_000;
  await journal.append([
    ...runEvents({ id: 'a', at }),
    ...runEvents({ id: 'b', at: at + 1_000, vcon: OTHER_VCON }),
  ]);
  const [one, two, three, four] = await jlinc.read(4);
  if (!one || !two || !three || !four) throw new Error('too few events');
  jlinc.consumer.settle(one, 'dead', {
    attempts: 3,
    since: at + 5,
    duration: 0.1,
    errorType: 'ECONNREFUSED',
  });
  jlinc.consumer.settle(two, 'failed', { attempts: 1, since: at + 6, duration: 0.1, errorType: undefined });
  jlinc.consumer.settle(three, 'dead', { attempts: 1, since: at + 7, duration: 0.1, errorType: 'HTTP_400' });
  jlinc.consumer.retry(four, delivery(2, 'TIMEOUT'));
  await journal.append([]);
  await vi.waitUntil(async () => (await stats())?.retrying === 1, PATIENCE);
});

function queue(...args: readonly string[]): Promise<Ended> {
  return runInProcess(['queue', ...args, '--journal', path]);
}

async function stats(): Promise<Record<string, unknown> | undefined> {
  const { stdout } = await queue('stats', '--json');
  return stdout === '' ? undefined : JSON.parse(stdout).tracers[0];
}

const A = ids(runEvents({ id: 'a' }));
const B = ids(runEvents({ id: 'b' }));

describe('what it shows while the service runs', () => {
  test('stats: how far each tracer is', async () => {
    reader(journal, 'audit');
    await vi.waitUntil(async () => (await queue('stats')).stdout.includes('audit'), PATIENCE);
    const { code, stdout, stderr } = await queue('stats');
    expect([code, stderr]).toEqual([0, '']);
    const [head, audit, given, end] = stdout.split('\n');
    expect(head).toMatch(
      /^tracer +to hear +retrying +attempts +queued +dead letters +delivered +skipped +dropped +oldest +position$/,
    );
    expect(audit).toMatch(/^audit( +0){8} +– +8$/);
    expect(given).toMatch(/^jlinc +5 +1 +2 +0 +3 +0 +0 +0 +1 m \d\d s +3$/);
    expect(end).toBe('');
    expect(await stats()).toMatchObject({ tracer: 'audit', depth: 0, oldest_age: null });
    const { stdout: one } = await queue('stats', '--tracer', 'jlinc', '--json');
    expect(JSON.parse(one)).toEqual({
      tracers: [
        {
          tracer: 'jlinc',
          position: 3,
          depth: 5,
          retrying: 1,
          attempts: 2,
          queued: 0,
          dead_letters: 3,
          ok: 0,
          skipped: 0,
          dropped: 0,
          oldest_age: expect.closeTo(90, -2),
        },
      ],
    });
  });

  test('peek: the next events of a tracer, with attempts and the last error', async () => {
    const { code, stdout } = await queue('peek', '--tracer', 'jlinc', '--limit', '2');
    expect(code).toBe(0);
    const [head, first, second, end] = stdout.split('\n');
    expect(head).toMatch(/^event +chain +step +vCon +age +state +attempts +last error$/);
    expect(first).toMatch(new RegExp(`^${A[3]} +main +${VCON} +1 m \\d\\d s +retry +2 +TIMEOUT$`));
    expect(second).toMatch(new RegExp(`^${B[0]} +main +${OTHER_VCON} +1 m \\d\\d s +waiting +0$`));
    expect(end).toBe('');
    const { events } = JSON.parse(
      (await queue('peek', '--tracer', 'jlinc', '--limit', '0', '--json')).stdout,
    );
    expect(events).toHaveLength(5);
    expect(events[2]).toEqual({
      tracer: 'jlinc',
      event_id: B[1],
      event: 'link_start',
      chain: 'main',
      link: 'tag',
      storage: null,
      vcon_uuid: OTHER_VCON,
      time: expect.stringMatching(/^20.*Z$/),
      state: 'waiting',
      attempts: 0,
      since: null,
      at: null,
      error_type: null,
    });
  });

  test('dead: what was given up, and why', async () => {
    const { code, stdout } = await queue('dead');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^tracer +event +chain +step +vCon +since +attempts +reason$/);
    expect(lines[1]).toMatch(new RegExp(`^jlinc +${A[0]} .*Z +3 +ECONNREFUSED$`));
    expect(lines[2]).toMatch(new RegExp(`^jlinc +${A[1]} +main +tag .*Z +1 +returned_false$`));
    expect(lines[3]).toMatch(new RegExp(`^jlinc +${A[2]} +main +tag .*Z +1 +HTTP_400$`));
    expect(JSON.parse((await queue('dead', '--limit', '1', '--json')).stdout).events).toMatchObject([
      { event_id: A[0], state: 'dead', error_type: 'ECONNREFUSED', attempts: 3 },
    ]);
  });

  test('dead --reason: only what was given up for such a reason', async () => {
    const reasons = async (pattern: string) =>
      JSON.parse((await queue('dead', '--reason', pattern, '--json')).stdout).events.map(
        ({ error_type }: { error_type: string }) => error_type,
      );
    expect(await reasons('HTTP_*')).toEqual(['HTTP_400']);
    expect(await reasons('returned_false')).toEqual(['returned_false']);
    expect(await reasons('*E*')).toEqual(['ECONNREFUSED']);
    expect((await queue('dead', '--reason', 'nothing')).stdout).toBe('There are no dead letters.\n');
  });

  test('dead --event: one, with all that is known of it', async () => {
    const { code, stdout } = await queue('dead', '--event', A[1] ?? '');
    expect(code).toBe(0);
    expect(stdout.replaceAll(/\d{4}-\S+Z/g, 'TIME')).toBe(`event      ${A[1]}
what       link_start
chain      main
step       0 tag
vCon       ${VCON}
happened   TIME
trace      ${'a'.padEnd(16, '0').repeat(2)}
tracer     jlinc
attempts   1
first      TIME
given up   TIME
last took  100 ms
reason     returned_false
`);
    const { events } = JSON.parse((await queue('dead', '--event', A[2] ?? '', '--json')).stdout);
    expect(events).toMatchObject([
      {
        event_id: A[2],
        tracer: 'jlinc',
        error_type: 'HTTP_400',
        outcome: 'success',
        link_index: 0,
        run_id: A[0]?.slice(0, 16),
      },
    ]);
    expect(await queue('dead', '--event', B[0] ?? '')).toMatchObject({
      code: 1,
      stderr: `vcon-otel: no tracer has a dead letter ${B[0]}\n`,
    });
  });

  test('that there is nothing', async () => {
    reader(journal, 'audit');
    await vi.waitUntil(async () => (await queue('stats')).stdout.includes('audit'), PATIENCE);
    expect((await queue('peek', '--tracer', 'audit')).stdout).toBe('Nothing is waiting.\n');
    expect((await queue('dead', '--tracer', 'audit')).stdout).toBe('There are no dead letters.\n');
    expect(JSON.parse((await queue('dead', '--tracer', 'audit', '--json')).stdout)).toEqual({ events: [] });
  });
});

describe('what it changes', () => {
  test('retry --all: the service delivers the dead letters again', async () => {
    expect(await queue('retry', '--tracer', 'jlinc', '--all')).toEqual({
      code: 0,
      stdout: 'Queued again: 3 events\n',
      stderr: '',
    });
    expect(ids(await jlinc.read(7)).sort()).toEqual([...A.slice(0, 3), ...B].sort());
  });

  test('retry: single events, a whole run, or a vCon; what is no dead letter is left alone', async () => {
    const one = await queue('retry', '--tracer', 'jlinc', A[0] ?? '', B[0] ?? '');
    expect(one.stdout).toBe('Queued again: 1 event, 1 left alone: no dead letters\n');
    const vcon = await queue('retry', '--tracer', 'jlinc', '--vcon', VCON, '--json');
    expect(JSON.parse(vcon.stdout)).toEqual({ tracer: 'jlinc', queued: 2, left: 0 });
  });

  test('retry --reason: those that were given up for it, also of one vCon', async () => {
    const other = await queue('retry', '--tracer', 'jlinc', '--vcon', OTHER_VCON, '--reason', '*');
    expect(other.stdout).toBe('Queued again: 0 events\n');
    expect((await queue('retry', '--tracer', 'jlinc', '--reason', 'HTTP_*')).stdout).toBe(
      'Queued again: 1 event\n',
    );
    expect((await queue('skip', '--tracer', 'jlinc', '--reason', 'returned_false')).stdout).toBe(
      'Skipped: 1 event\n',
    );
    const { events } = JSON.parse((await queue('dead', '--json')).stdout);
    expect(events).toMatchObject([{ error_type: 'ECONNREFUSED' }]);
  });

  test('skip: dead letters, or events that wait', async () => {
    expect((await queue('skip', '--tracer', 'jlinc', '--all-dead')).stdout).toBe('Skipped: 3 events\n');
    const { stdout } = await queue('skip', '--tracer', 'jlinc', B[0] ?? '', '--json');
    expect(JSON.parse(stdout)).toEqual({ tracer: 'jlinc', skipped: 1, left: 0 });
    await vi.waitUntil(() => jlinc.consumer.depth === 4, PATIENCE);
    expect(ids(await jlinc.read(3))).toEqual(B.slice(1));
    expect(await stats()).toMatchObject({ dead_letters: 0, skipped: 4, depth: 4 });
  });

  test('retry says that nobody delivers, when no service runs', async () => {
    await journal.close();
    const { stdout, stderr } = await queue('retry', '--tracer', 'jlinc', '--all');
    expect(stdout).toBe('Queued again: 3 events\n');
    expect(stderr).toBe('No service has the journal open: they are delivered once one has.\n');
  });
});

describe('forget', () => {
  const configured = async (config: Record<string, unknown>) => {
    const file = join(folder, 'config.yml');
    await writeFile(file, JSON.stringify({ journal: { type: 'sqlite', path }, ...config }));
    return (...args: string[]) => runInProcess(['queue', 'forget', ...args, '--config', file]);
  };

  test('says what would be removed, and with --yes removes it, beside a service that runs', async () => {
    const forget = await configured({});
    reader(journal, 'audit');
    await vi.waitUntil(async () => (await queue('stats')).stdout.includes('audit'), PATIENCE);
    await journal.append([]);
    // To the service jlinc is a tracer like others: it is the configuration's word that counts.
    expect(await forget('jlinc')).toEqual({
      code: 0,
      stdout: 'Would forget: jlinc, with 5 events to hear, 3 dead letters\n',
      stderr: 'Nothing was removed: --yes does it.\n',
    });
    await journal.close();
    journal = await openJournal(path);
    const { stdout } = await forget('jlinc', '--yes', '--json');
    expect(JSON.parse(stdout)).toEqual({
      name: 'jlinc',
      forgotten: true,
      events: 5,
      dead_letters: 3,
      spans: 0,
    });
    const { tracers } = JSON.parse((await queue('stats', '--json')).stdout);
    expect(tracers.map(({ tracer }: { tracer: string }) => tracer)).toEqual(['audit']);
    expect(await forget('jlinc', '--yes')).toMatchObject({
      code: 1,
      stderr: 'vcon-otel: the journal has no place of jlinc; it has audit\n',
    });
  });

  test('refuses what is configured, enabled or not', async () => {
    const forget = await configured({ tracers: { jlinc: { module: 'tracers.audit_log', enabled: false } } });
    expect(await forget('jlinc', '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^vcon-otel: jlinc is configured in .*: its place is in use as long as it is there\n$/,
      ),
    });
    expect(await stats()).toMatchObject({ dead_letters: 3 });
  });

  test('without a configuration needs a journal that nobody has open', async () => {
    expect(await queue('forget', 'jlinc', '--yes')).toMatchObject({
      code: 1,
      stderr:
        'vcon-otel: a service has the journal open: name its configuration (--config), which says what is in use\n',
    });
    await journal.close();
    expect((await queue('forget', 'jlinc', '--yes')).stdout).toBe(
      'Forgotten: jlinc, with 5 events to hear, 3 dead letters\n',
    );
    expect((await queue('stats')).stdout).toBe('No tracer has a place in this journal yet.\n');
  });

  test('removes the spans of an exporter, unless a service sends them', async () => {
    const forget = await configured({});
    const beside = spanLogFolder(`${path}-beside`, 'gone');
    const log = await SpanLog.open({ folder: beside, retention: 1e9, maxSize: 1e9, clock: systemClock });
    expect(await forget('exporters.gone', '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('at this moment'),
    });
    await log.close();
    expect(await forget('exporters.gone', '--yes')).toMatchObject({
      code: 0,
      stdout: 'Forgotten: exporters.gone, with 0 events to hear, 0 dead letters\n',
    });
    expect(existsSync(beside)).toBe(false);
  });
});

describe('where the journal is', () => {
  test('is said by a configuration', async () => {
    const config = join(folder, 'config.yml');
    await writeFile(config, JSON.stringify({ journal: { type: 'sqlite', path } }));
    const { stdout } = await runInProcess(['queue', 'stats', '--config', config, '--json']);
    expect(JSON.parse(stdout).tracers).toMatchObject([{ tracer: 'jlinc' }]);
  });

  test('is a fault where the configuration keeps it in memory', async () => {
    const config = join(folder, 'config.yml');
    await writeFile(config, JSON.stringify({ journal: { type: 'memory' } }));
    expect(await runInProcess(['queue', 'stats', '--config', config])).toEqual({
      code: 1,
      stdout: '',
      stderr: `vcon-otel: ${config} keeps its journal in memory: only one of type sqlite can be read from outside\n`,
    });
  });

  test('is that of serve where nothing is said', async () => {
    expect((await runInProcess(['queue', 'stats'], { cwd: folder })).stderr).toBe(
      'vcon-otel: there is no journal ./data/journal.db\n',
    );
    await mkdir(join(folder, 'data'));
    const other = await openJournal(join(folder, 'data', 'journal.db'));
    await other.close();
    expect((await runInProcess(['queue', 'stats'], { cwd: folder })).stdout).toBe(
      'No tracer has a place in this journal yet.\n',
    );
  });
});

test('a tracer that the journal does not know is an error that lists those it knows', async () => {
  expect(await queue('peek', '--tracer', 'jlink')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'vcon-otel: the journal knows no tracer jlink; it knows jlinc\n',
  });
});

test.each([
  [['peek'], "required option '--tracer <name>' not specified"],
  [['retry', '--tracer', 'a'], 'queue retry needs either ids of events, --all, --vcon or --reason'],
  [
    ['retry', '--tracer', 'a', '--all', 'x/y'],
    'queue retry needs either ids of events, --all, --vcon or --reason',
  ],
  [
    ['retry', '--tracer', 'a', 'x/y', '--reason', 'x'],
    'queue retry needs either ids of events, --all, --vcon or --reason',
  ],
  [['skip', '--tracer', 'a'], 'queue skip needs either ids of events, --all-dead or --reason'],
  [
    ['dead', '--event', 'a', '--reason', 'x'],
    "option '--event <id>' cannot be used with option '--reason <glob>'",
  ],
  [['forget'], "missing required argument 'name'"],
  [['stats', '--config', 'c.yml'], "option '--journal <path>' cannot be used with option '--config <file>'"],
  [['dead', '--limit', 'x'], "option '--limit <n>' argument 'x' is invalid. It is a whole number."],
  [
    ['retry', '--tracer', 'a', '--vcon', 'a b'],
    "option '--vcon <uuid>' argument 'a b' is invalid. It is the uuid of a vCon.",
  ],
])('queue %j is wrong usage', async (args, message) => {
  expect(await queue(...args)).toEqual({
    code: 2,
    stdout: '',
    stderr: `vcon-otel: ${message}${hint(args[0] ?? '')}`,
  });
});
