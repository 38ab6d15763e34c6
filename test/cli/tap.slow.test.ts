import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import type { ChainEvent } from '../../src/model/event.ts';
import { ids } from '../journal/contract.ts';
import { PATIENCE } from '../support/eventually.ts';
import { type Running, startVconOtel, vconOtel } from './command-line.ts';
import { journalFolder, OTHER_VCON, openJournal, runEvents, VCON } from './kept-runs.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = journalFolder();
  path = join(folder, 'journal.db');
});

interface Tap extends Running {
  stderr(): string;
  lines(): string[];
  /** Resolves when standard error holds this text. */
  said(text: string): Promise<void>;
  stop(): Promise<{ code: number | null; stderr: string }>;
}

async function tap(...args: readonly string[]): Promise<Tap> {
  return tapWith({}, ...args);
}

async function tapWith(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Tap> {
  const running = startVconOtel(['tap', '--journal', path, ...args], { env: { TZ: 'UTC', ...env } });
  let [stdout, stderr] = ['', ''];
  running.child.stdout?.on('data', (text: string) => {
    stdout += text;
  });
  running.child.stderr?.on('data', (text: string) => {
    stderr += text;
  });
  const said = (text: string) => vi.waitUntil(() => stderr.includes(text), PATIENCE);
  await vi.waitUntil(() => stderr !== '', PATIENCE);
  return {
    ...running,
    stderr: () => stderr,
    lines: () => stdout.split('\n').slice(0, -1),
    said: async (text) => void (await said(text)),
    stop: async () => {
      running.child.kill('SIGTERM');
      return running.ended;
    },
  };
}

async function append(journal: Journal, ...events: readonly ChainEvent[]): Promise<void> {
  await journal.append(events);
}

async function shows(running: Tap, count: number): Promise<string[]> {
  await vi.waitUntil(() => running.lines().length >= count, PATIENCE);
  return running.lines();
}

const idsOf = (lines: readonly string[]) => lines.map((line) => JSON.parse(line).event_id as string);

describe('what passes', () => {
  test('is a line for each event, from the start on', async () => {
    const journal = await openJournal(path);
    await append(journal, ...runEvents({ id: 'a' }));
    const running = await tap();
    expect(running.stderr()).toBe(`Following ${path}\n`);
    const [start, ...rest] = runEvents({ id: 'b', out: OTHER_VCON });
    const [, , failed] = runEvents({ id: 'c', fails: true });
    if (!start || !failed) throw new Error('too few events');
    await append(journal, { ...start, inferred: ['links', 'time'] }, ...rest, failed);
    expect(await shows(running, 5)).toEqual([
      `12:00:00.000  chain_start       main  ${VCON}  (inferred: links, time)`,
      `12:00:00.010  link_start        main  0 tag  ${VCON}`,
      `12:00:00.040  link_complete     main  0 tag  ${VCON} → ${OTHER_VCON}  success  30 ms`,
      `12:00:00.100  chain_complete    main  ${VCON} → ${OTHER_VCON}  complete  100 ms`,
      `12:00:00.040  link_error        main  0 tag  ${VCON}  error  ECONNREFUSED  30 ms`,
    ]);
    const { code, stderr } = await running.stop();
    expect([code, stderr]).toEqual([0, `Following ${path}\n5 events passed\n`]);
  });

  test('leads from the chain to the page of its trace where that is told, but never as JSON', async () => {
    const journal = await openJournal(path);
    const [start] = runEvents({ id: 'a' });
    if (!start) throw new Error('too few events');
    await append(journal, start);
    const env = { FORCE_HYPERLINK: '1', VCON_OTEL_TRACE_URL: 'http://127.0.0.1:16686/trace/{traceId}' };
    const running = await tapWith(env, '--last', '1');
    const page = `http://127.0.0.1:16686/trace/${start.spanContext.traceId}`;
    expect(await shows(running, 1)).toEqual([
      `12:00:00.000  chain_start       \u001b]8;;${page}\u001b\\main\u001b]8;;\u001b\\  ${VCON}`,
    ]);
    await running.stop();
    const json = await tapWith(env, '--last', '1', '--json');
    expect((await shows(json, 1)).join()).not.toContain('127.0.0.1');
    await json.stop();
  });

  test('can be asked for as JSON, and with the newest that are there', async () => {
    const journal = await openJournal(path);
    await append(journal, ...runEvents({ id: 'a' }));
    const running = await tap('--json', '--last', '2');
    const [line, last] = await shows(running, 2);
    expect(JSON.parse(line ?? '')).toEqual({
      event_id: 'a000000000000000/link/0/complete',
      event: 'link_complete',
      chain: 'main',
      link: 'tag',
      link_index: 0,
      storage: null,
      in_vcon_uuid: VCON,
      out_vcon_uuid: VCON,
      time: '2026-01-31T12:00:00.040Z',
      outcome: 'success',
      error_type: null,
      duration: 0.03,
      run_id: 'a000000000000000',
      trace_id: 'a000000000000000a000000000000000',
      span_id: 'a000000000000000',
      sender: null,
      inferred: [],
      calls: null,
    });
    expect(JSON.parse(last ?? '')).toMatchObject({ event: 'chain_complete', link: null, link_index: null });
    await running.stop();
  });

  test('can be chosen from by chain, event and vCon', async () => {
    const journal = await openJournal(path);
    const other = runEvents({ id: 'b', vcon: OTHER_VCON }).map((event) => ({ ...event, chain: '.a/b.c' }));
    await append(journal, ...runEvents({ id: 'a' }), ...other);
    const wanted = async (count: number, ...args: string[]) => {
      const running = await tap('--json', '--last', '100', ...args);
      await shows(running, count);
      const { stderr } = await running.stop();
      expect(stderr).toBe(`Following ${path}\n8 events passed, ${count} shown\n`);
      return idsOf(running.lines());
    };
    expect(await wanted(4, '--chain', '*b.?')).toEqual(ids(other));
    expect(await wanted(1, '--chain', 'm*n', '--event', 'link_c*')).toEqual([
      'a000000000000000/link/0/complete',
    ]);
    expect(await wanted(2, '--vcon', OTHER_VCON, '--event', 'chain_*')).toEqual([
      'b000000000000000/chain/start',
      'b000000000000000/chain/complete',
    ]);
  });

  test('is shown whole and in order, however fast it comes', async () => {
    const journal = await openJournal(path);
    const running = await tap('--json', '--event', 'chain_start');
    const events: ChainEvent[] = Array.from({ length: 5_000 }, (_, i) => runEvents({ id: `a${i}x` })).flat();
    await append(journal, ...events);
    expect(idsOf(await shows(running, 5_000))).toEqual(ids(events.filter((_, i) => i % 4 === 0)));
    expect((await running.stop()).stderr).toContain('20,000 events passed, 5,000 shown\n');
  });

  test('has the colour of how it ended, and that of a success only where that is known', async () => {
    const journal = await openJournal(path);
    const running = await tapWith({ FORCE_COLOR: '1' });
    const [start, , , end] = runEvents({ id: 'a' });
    if (!start || !end) throw new RangeError('a run has a start and an end');
    await append(journal, start, end);
    await append(
      journal,
      ...runEvents({ id: 'b' })
        .map((event) => ({ ...event, outcome: 'unknown' }) as const)
        .slice(-1),
    );
    const coloured = (await shows(running, 3)).map((line) => /\[(\d+)m/.exec(line)?.[1]);
    expect(coloured).toEqual([undefined, '32', '33']);
    await running.stop();
  });

  test('has no escape sequence in it', async () => {
    const journal = await openJournal(path);
    const running = await tap();
    await append(
      journal,
      ...runEvents({ id: 'a', upTo: 1 }).map((event) => ({ ...event, chain: '\u001b[2Jx\n' })),
    );
    expect(await shows(running, 1)).toEqual([`12:00:00.000  chain_start       x  ${VCON}`]);
    await running.stop();
  });
});

describe('a journal', () => {
  test('of a service that runs', async () => {
    const config = {
      tracers: {
        mine: {
          module: fileURLToPath(new URL('self-tracing.ts', import.meta.url)),
          isolation: 'none',
          options: { heard: join(folder, 'heard.txt') },
        },
      },
      journal: { type: 'sqlite', path },
      health: { port: 0 },
    };
    await writeFile(join(folder, 'config.yml'), JSON.stringify(config));
    const running = startVconOtel(['tap', '--config', join(folder, 'config.yml'), '--json']);
    const service = startVconOtel(['serve', join(folder, 'config.yml')]);
    await running.printed('"chain_complete"');
    service.child.kill('SIGTERM');
    expect((await service.ended).code).toBe(0);
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    expect(code).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).event),
    ).toEqual(['chain_start', 'link_start', 'link_complete', 'chain_complete']);
    expect(stderr).toMatch(/4 events passed\n$/);
  });

  test('that is not there yet is waited for', async () => {
    const running = await tap('--json');
    expect(running.stderr()).toBe(`There is no journal ${path} yet: waiting for it\n`);
    const events = runEvents({ id: 'a', at: Date.now() + 60_000 });
    await append(await openJournal(path), ...events);
    expect(idsOf(await shows(running, 4))).toEqual(ids(events));
    expect(running.stderr()).toContain(`Following ${path}\n`);
    await running.stop();
  });

  test('that was deleted is gone on with when the service has written it again', async () => {
    const journal = await openJournal(path);
    const running = await tap('--json');
    const first = runEvents({ id: 'a' });
    await append(journal, ...first);
    await shows(running, 4);
    rmSync(path);
    const second = runEvents({ id: 'b' });
    await append(journal, ...second);
    expect(idsOf(await shows(running, 8))).toEqual(ids([...first, ...second]));
    expect(running.stderr()).toContain(`The journal ${path} is another file now: following that\n`);
    await running.stop();
  });

  test('that was replaced by another one is followed from what has happened since', async () => {
    const journal = await openJournal(path);
    await append(journal, ...runEvents({ id: 'a' }), ...runEvents({ id: 'b' }));
    const elsewhere = join(folder, 'other.db');
    const other = await openJournal(elsewhere);
    await append(other, ...runEvents({ id: 'c', upTo: 2 }));
    await other.close();
    const running = await tap('--json');
    await journal.close();
    renameSync(elsewhere, path);
    await running.said('another file now');
    const later = runEvents({ id: 'd', at: Date.now() });
    await append(await openJournal(path), ...later);
    expect(idsOf(await shows(running, 4))).toEqual(ids(later));
    await running.stop();
  });

  test('that cannot be read any more is waited for', async () => {
    const journal = await openJournal(path);
    const running = await tap('--json');
    await append(journal, ...runEvents({ id: 'a' }));
    await shows(running, 4);
    await journal.close();
    const elsewhere = join(folder, 'foreign.db');
    writeFileSync(elsewhere, 'this is no database, but it is long enough to be looked at as one'.repeat(100));
    renameSync(elsewhere, path);
    await running.said('is no journal: waiting until it can be read\n');
    rmSync(path);
    const later = runEvents({ id: 'b', at: Date.now() + 60_000 });
    await append(await openJournal(path), ...later);
    expect(idsOf(await shows(running, 8)).slice(4)).toEqual(ids(later));
    await running.stop();
  });

  test('behind a symbolic link', async () => {
    const journal = await openJournal(path);
    symlinkSync(path, join(folder, 'link.db'));
    path = join(folder, 'link.db');
    const running = await tap('--json');
    const events = runEvents({ id: 'a' });
    await append(journal, ...events);
    expect(idsOf(await shows(running, 4))).toEqual(ids(events));
    await running.stop();
  });

  test('that is none, or of another schema, ends it with a sentence', async () => {
    await mkdir(join(folder, 'folder'));
    const other = new DatabaseSync(join(folder, 'schema.db'));
    other.exec(`pragma application_id = ${0x76436f4a}; pragma user_version = 99; create table x (y)`);
    other.close();
    const on = (name: string) => vconOtel(['tap', '--journal', join(folder, name)]);
    expect(await on('folder')).toEqual({
      code: 1,
      stdout: '',
      stderr: `vcon-otel: ${join(folder, 'folder')} is not a file\n`,
    });
    const { code, stderr } = await on('schema.db');
    expect([code, stderr]).toEqual([1, expect.stringContaining('has schema 99')]);
  });
});

describe('the end', () => {
  test('comes with 0 when nobody reads any more', async () => {
    const journal = await openJournal(path);
    const running = await tap();
    running.child.stdout?.destroy();
    await append(journal, ...runEvents({ id: 'a' }));
    const { code, stderr } = await running.ended;
    expect([code, stderr]).toEqual([0, `Following ${path}\n4 events passed\n`]);
  });

  test('comes while a journal is waited for', async () => {
    const running = await tap();
    const { code, stderr } = await running.stop();
    expect(code).toBe(0);
    expect(stderr).toMatch(/0 events passed\n$/);
  });

  test('is wrong usage for an event that there is none of', async () => {
    const { code, stderr } = await vconOtel(['tap', '--event', 'link_done']);
    expect(code).toBe(2);
    expect(stderr).toContain("'link_done' is invalid. The events are chain_start, ");
  });
});
