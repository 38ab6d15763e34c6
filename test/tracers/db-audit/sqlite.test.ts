import { spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventContext } from '../../../src/model/tracer.ts';
import dbAudit from '../../../src/tracers/db-audit.ts';
import { linkContext, started } from '../started.ts';

const EVENT = linkContext();
type Started = Awaited<ReturnType<typeof started>>;

let folder: string;
let database: string;
let running: Started[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-sqlite-'));
  database = join(folder, 'deep', 'audit.db');
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map(({ shutdown }) => shutdown()));
  await rm(folder, { recursive: true });
});

async function start(): Promise<Started> {
  const tracer = await started('tracers.db_audit', { database });
  running.push(tracer);
  return tracer;
}
const write = ({ trace }: Started, eventId = EVENT.eventId, facts: Partial<EventContext> = {}) =>
  trace(EVENT.outVconUuid, 'link_complete', linkContext({ eventId, ...facts }));

/** Asks the file, or changes it, as somebody else would. */
function sql(text: string): Record<string, unknown>[] {
  const file = new DatabaseSync(database, { timeout: 5_000 });
  try {
    return file.prepare(text).all();
  } finally {
    file.close();
  }
}
const ids = () => sql('SELECT event_id FROM vcon_events ORDER BY event_id').map(({ event_id }) => event_id);

describe('a row', () => {
  test('says who, what, when and where, in a file that is its owner’s alone', async () => {
    await write(await start());
    const [row] = sql('SELECT * FROM vcon_events');
    expect({ ...row, metadata: JSON.parse(String(row?.metadata)) }).toEqual({
      event_id: EVENT.eventId,
      vcon_uuid: EVENT.outVconUuid,
      event: 'link_complete',
      timestamp: '2026-03-01T12:00:00.250Z',
      metadata: {
        source: 'vcon-server',
        chain: 'main',
        link: 'analyze',
        link_index: 1,
        outcome: 'success',
        duration: 0.0125,
        run_id: EVENT.runId,
        trace_id: EVENT.spanContext.traceId,
        span_id: EVENT.spanContext.spanId,
      },
    });
    expect(statSync(database).mode & 0o777).toBe(0o600);
  });

  test('that is written again stays as it is', async () => {
    const tracer = await start();
    await Promise.all([write(tracer), write(tracer, EVENT.eventId, { chain: 'other' }), write(tracer)]);
    expect(sql("SELECT metadata->>'chain' AS chain FROM vcon_events")).toEqual([{ chain: 'main' }]);
  });

  test('is found by its vCon, and by its error, with an index', async () => {
    await write(await start());
    const plan = (where: string) =>
      JSON.stringify(sql(`EXPLAIN QUERY PLAN SELECT * FROM vcon_events WHERE ${where} ORDER BY timestamp`));
    expect(plan("vcon_uuid = 'V'")).toContain('USING INDEX vcon_events_of_vcon');
    expect(plan("event IN ('chain_error', 'link_error', 'storage_error') AND timestamp >= '2026'")).toContain(
      'USING INDEX vcon_events_errors',
    );
  });
});

describe('when something is done to the file', () => {
  test('several write to it', async () => {
    const tracers = await Promise.all(Array.from({ length: 4 }, start));
    await Promise.all(
      tracers.flatMap((tracer, i) => Array.from({ length: 50 }, (_, j) => write(tracer, `${i} ${j}`))),
    );
    expect(ids().length).toBe(200);
  });

  test('the table is dropped: it is made again', async () => {
    const tracer = await start();
    await write(tracer);
    sql('DROP TABLE vcon_events');
    await write(tracer, 'then');
    expect(ids()).toEqual(['then']);
  });

  test('the file is deleted: it is made again', async () => {
    const tracer = await start();
    await write(tracer);
    for (const end of ['', '-wal', '-shm']) rmSync(database + end, { force: true });
    await write(tracer, 'then');
    expect(ids()).toEqual(['then']);
  });

  test('its table is not ours: permanent', async () => {
    const tracer = await start();
    sql('CREATE TABLE vcon_events (event_id TEXT PRIMARY KEY)');
    await expect(write(tracer)).rejects.toMatchObject({ permanent: true, code: 'SQLITE_ERROR' });
  });

  test('its table is the one that the conserver’s page documents: metadata has the rest, repeats are recognised', async () => {
    const tracer = await start();
    sql('CREATE TABLE vcon_events (vcon_uuid TEXT, event TEXT, timestamp TIMESTAMP, metadata JSON)');
    await write(tracer);
    await write(tracer);
    await write(tracer, 'other');
    const rows = sql('SELECT * FROM vcon_events');
    expect(rows.map(({ metadata }) => JSON.parse(String(metadata)))).toEqual([
      expect.objectContaining({ source: 'vcon-server', event_id: EVENT.eventId }),
      expect.objectContaining({ event_id: 'other' }),
    ]);
    expect(Object.keys(rows[0] ?? {})).toEqual(['vcon_uuid', 'event', 'timestamp', 'metadata']);
  });

  test('its table has an id that is no key: repeats are recognised all the same', async () => {
    const tracer = await start();
    sql(
      'CREATE TABLE vcon_events (event_id TEXT, vcon_uuid TEXT, event TEXT, timestamp TEXT, metadata TEXT)',
    );
    await write(tracer);
    await write(tracer);
    expect(ids()).toEqual([EVENT.eventId]);
  });

  test('what `doctor` says of a table that lacks something, and what it prints to mend it', async () => {
    mkdirSync(join(folder, 'deep'));
    const target = dbAudit.options?.parse({ database });
    if (!target) throw new Error('it has no options');
    const look = async () => {
      const findings = await dbAudit.probe?.(target, { name: 'mine', timeout: 5_000 });
      return findings?.map(({ state, text, advice }) => ({ state, text, advice })).slice(1);
    };
    sql('CREATE TABLE vcon_events (vcon_uuid TEXT, event TEXT)');
    const [lacking] = (await look()) ?? [];
    expect(lacking).toMatchObject({
      state: 'fault',
      text: expect.stringContaining('no column timestamp, metadata'),
    });
    for (const statement of lacking?.advice?.replace(', or name another table', '').split('; ') ?? [])
      sql(statement);
    expect(await look()).toEqual([{ state: 'ok', text: 'rows can be written to its table vcon_events' }]);
    const tracer = await start();
    await write(tracer);
    await write(tracer);
    expect(sql('SELECT event FROM vcon_events')).toHaveLength(1);
    sql("ALTER TABLE vcon_events ADD COLUMN site TEXT NOT NULL DEFAULT 'x'");
    expect(await look()).toMatchObject([{ state: 'ok' }]);
    await tracer.shutdown();
    sql('DROP TABLE vcon_events');
    sql('CREATE TABLE vcon_events (vcon_uuid, event, timestamp, metadata, site TEXT NOT NULL)');
    expect(await look()).toMatchObject([{ state: 'fault', text: expect.stringContaining('wants site') }]);
    await writeFile(database, 'canary '.repeat(1_000));
    expect(await look()).toMatchObject([{ state: 'fault', text: expect.stringContaining('SQLITE_NOTADB') }]);
  });

  test('it is no database: tried again, until it is moved away', async () => {
    const tracer = await start();
    await writeFile(database, 'canary '.repeat(1_000));
    await expect(write(tracer)).rejects.toMatchObject({ permanent: false, code: 'SQLITE_NOTADB' });
    rmSync(database);
    await write(tracer);
    expect(ids()).toEqual([EVENT.eventId]);
  });

  test('it cannot be made: the start fails and names the option', async () => {
    await expect(started('tracers.db_audit', { database: '/dev/null/audit.db' })).rejects.toMatchObject({
      code: 'FILE_UNUSABLE',
      path: 'tracers.mine.options.database',
    });
  });
});

/** Tells of each thread that is begun. */
function watchThreads(hear: (worker: Worker) => void) {
  const heard = (message: unknown) => hear((message as { worker: Worker }).worker);
  subscribe('worker_threads', heard);
  return { stop: () => unsubscribe('worker_threads', heard) };
}

describe('its life', () => {
  test('a thread that ends by itself costs one attempt', async () => {
    const workers: Worker[] = [];
    const watch = watchThreads((worker) => workers.push(worker));
    const tracer = await start();
    await write(tracer, '1');
    const second = write(tracer, '2').catch((error: unknown) =>
      // Unless it was asked of the next one.
      expect(error).toMatchObject({ permanent: false, code: 'THREAD_ENDED' }),
    );
    await Promise.all([workers[0]?.terminate(), second]);
    await write(tracer, '3');
    watch.stop();
    expect(workers.length).toBe(2);
    expect(ids()).toEqual(expect.arrayContaining(['1', '3']));
  });

  test('shutdown writes what was called before it; the file is closed then', async () => {
    const gone: Promise<unknown>[] = [];
    const note = watchThreads((worker) => gone.push(once(worker, 'exit')));
    const tracer = await start();
    const calls = Array.from({ length: 2_500 }, (_, i) => write(tracer, String(i)));
    await Promise.all([tracer.shutdown(), tracer.shutdown()]);
    await Promise.all(calls);
    note.stop();
    expect(gone.length).toBe(1);
    expect(ids().length).toBe(2_500);
    await Promise.all(gone);
    await tracer.shutdown();
    expect(existsSync(`${database}-wal`)).toBe(false);
    await expect(write(tracer)).rejects.toMatchObject({ code: 'TRACER_FAILED' });
  });

  test('a process that is killed keeps what was answered', async () => {
    const script = `
      import { createTracer } from '${new URL('../../../src/delivery/create-tracer.ts', import.meta.url).pathname}';
      import module from '${new URL('../../../src/tracers/db-audit.ts', import.meta.url).pathname}';
      const { tracer } = createTracer({ name: 'a', module, options: { database: ${JSON.stringify(database)} } }, {});
      const event = ${JSON.stringify(EVENT)};
      for (let i = 0; ; i += 1) {
        await tracer.trace('', '', {}, { ...event, eventId: String(i) });
        process.stdout.write(i + '\\n');
      }`;
    const child = spawn(
      process.execPath,
      ['--conditions=vcon-otel-source', '--input-type=module', '--eval', script],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let answered = '';
    for await (const chunk of child.stdout) {
      answered += chunk;
      if (answered.length > 200) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const whole = answered.split('\n').slice(0, -1);
    expect(whole.length).toBeGreaterThan(50);
    expect(ids()).toEqual(expect.arrayContaining(whole));
  });
});
