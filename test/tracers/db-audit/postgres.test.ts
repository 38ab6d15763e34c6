import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { diag } from '@opentelemetry/api';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { EventContext, Options } from '../../../src/model/tracer.ts';
import dbAudit from '../../../src/tracers/db-audit.ts';
import {
  describeWithPostgres,
  PASSWORD,
  type PostgresServer,
  sharedPostgres,
} from '../../postgres-server.ts';
import { PATIENCE } from '../../support/eventually.ts';
import { linkContext, started } from '../started.ts';

const MODULE = 'tracers.db_audit';
const EVENT = linkContext();

type Started = Awaited<ReturnType<typeof started>>;
const write = ({ trace }: Started, context: EventContext = EVENT) =>
  trace(context.outVconUuid, 'link_complete', context);
const withId = (eventId: string, facts: Partial<EventContext> = {}) => linkContext({ eventId, ...facts });

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describeWithPostgres('tracers.db_audit in PostgreSQL', () => {
  let server: PostgresServer;
  let tables = 0;
  /** A table that no other test has. */
  let table: string;
  let running: Started[] = [];

  beforeAll(async () => {
    server = await sharedPostgres();
  });
  afterAll(() => server?.remove());
  afterEach(async () => {
    await Promise.all(running.map(({ shutdown }) => shutdown()));
    running = [];
  });

  const documented = () => ({
    host: '127.0.0.1',
    port: server.port,
    database: server.database,
    user: 'root',
    password: PASSWORD,
  });
  async function start(options: Options = { url: server.url }): Promise<Started> {
    table = `events_${++tables}`;
    const tracer = await started(MODULE, { table, ...options });
    running.push(tracer);
    return tracer;
  }
  const ids = async () => {
    const rows = await server.query<{ event_id: string }>(`SELECT event_id FROM ${table} ORDER BY event_id`);
    return rows.map(({ event_id }) => event_id);
  };

  describe('a row', () => {
    test('says who, what, when and where, and can be asked for by its parts', async () => {
      await write(await start());
      expect(await server.query(`SELECT * FROM ${table}`)).toEqual([
        {
          event_id: EVENT.eventId,
          vcon_uuid: EVENT.outVconUuid,
          event: 'link_complete',
          timestamp: new Date('2026-03-01T12:00:00.250Z'),
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
        },
      ]);
      expect(await server.query(`SELECT metadata->>'link' AS link FROM ${table}`)).toEqual([
        { link: 'analyze' },
      ]);
    });

    test('whose vCon got a new uuid has both, and an error its type', async () => {
      const tracer = await start();
      const changed = withId('a', { inVconUuid: 'V', outVconUuid: 'W' });
      await write(tracer, changed);
      await write(tracer, withId('b', { phase: 'error', errorType: 'RangeError' }));
      expect(
        await server.query(`SELECT vcon_uuid, event, metadata FROM ${table} ORDER BY event_id`),
      ).toMatchObject([
        { vcon_uuid: 'W', event: 'link_complete', metadata: { in_vcon_uuid: 'V' } },
        { event: 'link_error', metadata: { error_type: 'RangeError' } },
      ]);
    });

    test('that is written again stays as it is', async () => {
      const tracer = await start();
      await Promise.all([write(tracer), write(tracer, linkContext({ chain: 'other' }))]);
      await write(tracer);
      expect(await server.query(`SELECT metadata->>'chain' AS chain FROM ${table}`)).toEqual([
        { chain: 'main' },
      ]);
    });

    test('of any name is the same when it is read', async () => {
      const tracer = await start();
      const link = `'"\\{},\n\t; DROP TABLE ${table}; -- é—😀 \u2028`;
      await write(tracer, withId(link, { link }));
      expect(await server.query(`SELECT event_id, metadata->>'link' AS link FROM ${table}`)).toEqual([
        { event_id: link, link },
      ]);
    });
  });

  describe('the table', () => {
    test('has indexes for "everything about this vCon" and "errors since"', async () => {
      const tracer = await start();
      await Promise.all(Array.from({ length: 50 }, (_, i) => write(tracer, withId(String(i)))));
      // So few rows would be read one after the other.
      const client = new Client({
        connectionString: server.url,
        options: '-c enable_seqscan=off -c enable_bitmapscan=off',
      });
      await client.connect();
      const explain = async (where: string) => {
        const plan = await client.query(`EXPLAIN SELECT * FROM ${table} WHERE ${where} ORDER BY "timestamp"`);
        return JSON.stringify(plan.rows);
      };
      expect(await explain("vcon_uuid = 'V'")).toContain(`${table}_vcon_uuid_timestamp_idx`);
      const errors =
        "event IN ('chain_error', 'link_error', 'storage_error') AND \"timestamp\" >= '2026-01-01'";
      expect(await explain(errors)).toContain(`${table}_timestamp_idx`);
      await client.end();
    });

    test('may have a schema, which is made too', async () => {
      await start();
      const tracer = await started(MODULE, { ...documented(), table: `made.${table}` });
      running.push(tracer);
      await write(tracer);
      expect(await server.query(`SELECT count(*)::int AS rows FROM made.${table}`)).toEqual([{ rows: 1 }]);
    });

    test('is made once by those who start together', async () => {
      const first = await start();
      const others = await Promise.all(
        Array.from({ length: 7 }, () => started(MODULE, { url: server.url, table })),
      );
      running.push(...others);
      await Promise.all([first, ...others].map((tracer, i) => write(tracer, withId(String(i)))));
      expect(await ids()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    });

    test('is made again after it was dropped', async () => {
      const tracer = await start();
      await write(tracer);
      await server.query(`DROP TABLE ${table}`);
      await expect(write(tracer)).rejects.toMatchObject({ permanent: false, code: 'SQLSTATE_42P01' });
      await write(tracer);
      expect(await ids()).toEqual([EVENT.eventId]);
    });

    test('that is there is written to by a user who may do nothing else', async () => {
      await write(await start());
      const [made] = running;
      await made?.shutdown();
      await server.query(`CREATE ROLE w${table} LOGIN PASSWORD 'w'`);
      await server.query(`GRANT INSERT, SELECT (event_id) ON ${table} TO w${table}`);
      const writer = await started(MODULE, { ...documented(), table, user: `w${table}`, password: 'w' });
      running.push(writer);
      await Promise.all([write(writer), write(writer, withId('2'))]);
      expect(await ids()).toEqual([EVENT.eventId, '2']);
    });
  });

  describe('a table as the conserver’s page documents it', () => {
    const four = 'vcon_uuid text, event text, "timestamp" timestamptz, metadata jsonb';
    const made = async (columns: string, index = true) => {
      const tracer = await start();
      await server.query(`CREATE TABLE ${table} (${columns})`);
      if (index) await server.query(`CREATE INDEX ON ${table} (vcon_uuid)`);
      return tracer;
    };
    const count = async () => {
      const rows = await server.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM ${table}`);
      return rows[0]?.rows;
    };

    test('is written to, and metadata has what there is no column for', async () => {
      const tracer = await made(four);
      await write(tracer);
      expect(await server.query(`SELECT * FROM ${table}`)).toEqual([
        {
          vcon_uuid: EVENT.outVconUuid,
          event: 'link_complete',
          timestamp: new Date('2026-03-01T12:00:00.250Z'),
          metadata: expect.objectContaining({
            source: 'vcon-server',
            event_id: EVENT.eventId,
            link: 'analyze',
          }),
        },
      ]);
    });

    test.each([
      ['uuid', 'vcon_uuid uuid, event varchar(40), "timestamp" timestamp, metadata json'],
      ['text', 'vcon_uuid text, event text, "timestamp" text, metadata text'],
      ['serial', `id serial PRIMARY KEY, ${four}, at timestamptz NOT NULL DEFAULT now()`],
    ])('may have other types: %s; what comes again is recognised', async (_what, columns) => {
      const tracer = await made(columns);
      await write(tracer);
      await write(tracer);
      await Promise.all([write(tracer), write(tracer, withId('other'))]);
      const rows = await server.query<{ row: { metadata: unknown } }>(
        `SELECT row_to_json(t) AS row FROM ${table} t`,
      );
      expect(
        rows.map(
          ({ row: { metadata } }) =>
            (typeof metadata === 'string' ? JSON.parse(metadata) : metadata).event_id,
        ),
      ).toEqual([EVENT.eventId, 'other']);
    });

    test.each([
      ['without an index on its vCons', false, ''],
      ['whose rows its writer may not see', true, 'GRANT INSERT'],
    ])(
      '%s does not know repeats, and the log says so with the statement that mends it',
      async (_what, index, rights) => {
        const warn = vi.fn();
        diag.setLogger({ warn, error: warn, info: () => {}, debug: () => {}, verbose: () => {} });
        let tracer = await made(four, index);
        if (rights) {
          await server.query(`CREATE ROLE w${table} LOGIN PASSWORD 'w'`);
          await server.query(`${rights} ON ${table} TO w${table}`);
          tracer = await started(MODULE, { ...documented(), table, user: `w${table}`, password: 'w' });
          running.push(tracer);
        }
        await write(tracer);
        await write(tracer);
        diag.disable();
        expect(await count()).toBe(2);
        const said = warn.mock.calls.flat().filter((text) => String(text).includes(table));
        expect(said).toEqual([
          expect.stringContaining(`ALTER TABLE ${table} ADD COLUMN event_id text UNIQUE`),
        ]);
      },
    );

    test('knows repeats after the statement that the log and `doctor` print', async () => {
      const tracer = await made(four, false);
      await write(tracer);
      const target = dbAudit.options?.parse({ url: server.url, table });
      if (!target) throw new Error('it has no options');
      const look = async () => dbAudit.probe?.(target, { name: 'mine', timeout: 5_000 });
      const findings = await look();
      const advice = findings?.find(({ state }) => state === 'warning')?.advice ?? '';
      await server.query(/ALTER TABLE [^;]+/.exec(advice)?.[0] ?? 'no statement');
      const again = await started(MODULE, { ...documented(), table });
      running.push(again);
      await write(again);
      await write(again);
      expect(await count()).toBe(2);
      expect(await look()).not.toContainEqual(expect.objectContaining({ state: 'warning' }));
    });

    test('that has the id, but not as a key, is written to, too', async () => {
      const tracer = await made(`event_id text, ${four}`);
      await write(tracer);
      await write(tracer);
      expect(await ids()).toEqual([EVENT.eventId]);
    });
  });

  describe('erased', () => {
    const [GONE, KEPT, NEW] = ['a', 'b', 'c'].map(
      (digit) => `018f0000-0000-8000-8000-00000000000${digit}`,
    ) as [string, string, string];
    const vcon = { name: 'mine', spellings: [GONE, GONE.toUpperCase()] };
    const erasure = () => {
      if (!dbAudit.erasure || !dbAudit.options) throw new Error('it has no erasure');
      return { ...dbAudit.erasure, parse: (given: object) => dbAudit.options?.parse(given) as never };
    };
    const texts = async () =>
      (
        await server.query<{ row: object }>(`SELECT to_jsonb(t) AS row FROM ${table} t ORDER BY event_id`)
      ).map(({ row }) => JSON.stringify(row));
    /** Three rows: of the vCon, of one that a step made of it, and of another. */
    async function three() {
      const tracer = await start();
      for (const [id, inVconUuid, outVconUuid] of [
        ['1', GONE, GONE],
        ['2', GONE.toUpperCase(), KEPT],
        ['3', KEPT, KEPT],
      ] as const)
        await write(tracer, withId(id, { inVconUuid, outVconUuid }));
      return { url: server.url, table };
    }

    test.each([
      ['as the tracer made it', 'text', 'jsonb'],
      ['of other types', 'uuid', 'json'],
    ])('a pseudonym stands for a vCon in a table %s', async (_what, uuid, json) => {
      const { mentions, erase, parse } = erasure();
      const target = parse(await three());
      await server.query(`ALTER TABLE ${table} ALTER COLUMN vcon_uuid TYPE ${uuid} USING vcon_uuid::${uuid},
        ALTER COLUMN metadata TYPE ${json} USING metadata::text::${json}`);
      const before = await texts();
      expect(await mentions(target, vcon)).toEqual([{ what: 'rows', count: 2 }]);
      await erase(target, vcon, NEW);
      await erase(target, vcon, NEW);
      expect(await mentions(target, vcon)).toEqual([{ what: 'rows', count: 0 }]);
      expect(await texts()).toEqual(before.map((text) => text.replaceAll(new RegExp(GONE, 'gi'), NEW)));
    });

    test('as a user who may only insert, it is not, and what to do is said', async () => {
      const { erase, parse } = erasure();
      await three();
      await server.query(`CREATE ROLE e${table} LOGIN PASSWORD 'e'`);
      await server.query(`GRANT INSERT, SELECT (event_id) ON ${table} TO e${table}`);
      const target = parse({ ...documented(), table, user: `e${table}`, password: 'e' });
      await expect(erase(target, vcon, NEW)).rejects.toMatchObject({
        message: expect.stringContaining('a user with SELECT and UPDATE on it'),
      });
    });

    test('of a table that is not there yet nothing is said', async () => {
      const { mentions, parse } = erasure();
      expect(await mentions(parse({ url: server.url, table: 'none_yet' }), vcon)).toEqual([
        { what: 'rows', count: 0 },
      ]);
    });
  });

  describe('a failure', () => {
    test('is permanent: no right to insert; once there is one, it goes on', async () => {
      const tracer = await start();
      await write(tracer);
      await server.query(`CREATE ROLE n${table} LOGIN PASSWORD 'n'`);
      const nobody = await started(MODULE, { ...documented(), table, user: `n${table}`, password: 'n' });
      running.push(nobody);
      await expect(write(nobody)).rejects.toMatchObject({ permanent: true, code: 'SQLSTATE_42501' });
      await server.query(`GRANT INSERT, SELECT (event_id) ON ${table} TO n${table}`);
      await write(nobody, withId('now'));
      expect(await ids()).toEqual([EVENT.eventId, 'now']);
    });

    test('is permanent: a table of other columns', async () => {
      const tracer = await start();
      await server.query(`CREATE TABLE ${table} (event_id text PRIMARY KEY, at timestamptz)`);
      const code = 'SQLSTATE_42703';
      await expect(write(tracer)).rejects.toMatchObject({ permanent: true, code });
    });

    test('of one row is not one of the others that were to be written with it', async () => {
      const tracer = await start();
      await write(tracer);
      await server.query(`ALTER TABLE ${table} ADD CHECK (event_id <> 'bad')`);
      const all = ['0', '1', 'bad', '3', '4', 'null\0'].map((id) => write(tracer, withId(id)));
      const settled = await Promise.allSettled(all);
      expect(settled.map(({ status }) => status)).toEqual([
        ...['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'rejected'],
      ]);
      expect(settled[2]).toMatchObject({ reason: { permanent: true, code: 'SQLSTATE_23514' } });
      expect(settled[5]).toMatchObject({
        reason: { permanent: true, code: expect.stringMatching(/^SQLSTATE_22/) },
      });
      expect(await ids()).toEqual(['0', EVENT.eventId, '1', '3', '4']);
    });

    test.each([
      ['a wrong password', { password: 'wrong' }, 'SQLSTATE_28P01'],
      ['no password', { password: undefined }, 'CONNECTION_LOST'],
      ['a database that is not there', { database: 'nowhere' }, 'SQLSTATE_3D000'],
      ['nobody who listens', { port: 1 }, 'ECONNREFUSED'],
      ['a name that nobody has', { host: 'nowhere.invalid' }, 'ENOTFOUND'],
    ])('may pass: %s', async (_what, wrong, code) => {
      const given = Object.entries({ ...documented(), ...wrong }).filter(([, value]) => value !== undefined);
      const tracer = await start(Object.fromEntries(given));
      await expect(write(tracer)).rejects.toMatchObject({ permanent: false, code });
    });

    test('quotes nothing', async () => {
      const tracer = await start();
      await write(tracer);
      await server.query(`ALTER TABLE ${table} ADD CHECK (event_id <> 'canary')`);
      await expect(write(tracer, withId('canary'))).rejects.toThrow(
        /^the database refused or did not answer: SQLSTATE_23514$/,
      );
    });

    test('is a server that takes the connection and says nothing', async () => {
      const sockets: Socket[] = [];
      const silent = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
      await once(silent.listen(0, '127.0.0.1'), 'listening');
      const tracer = await start({ ...documented(), port: (silent.address() as AddressInfo).port });
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const failed = expect(write(tracer)).rejects.toMatchObject({ permanent: false, code: 'TIMEOUT' });
      await once(silent, 'connection');
      vi.advanceTimersByTime(10_000);
      await failed;
      vi.useRealTimers();
      for (const socket of sockets) socket.destroy();
      silent.close();
    });

    test('is a statement that hangs, and the next one has a connection of its own', async () => {
      const tracer = await start();
      await write(tracer);
      const holder = new Client({ connectionString: server.url });
      await holder.connect();
      await holder.query(`BEGIN; LOCK TABLE ${table}`);
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const failed = expect(write(tracer, withId('late'))).rejects.toMatchObject({
        permanent: false,
        code: 'TIMEOUT',
      });
      const waiting = `SELECT 1 FROM pg_locks WHERE relation = '${table}'::regclass AND NOT granted`;
      await vi.waitUntil(async () => (await server.query(waiting)).length > 0, PATIENCE);
      vi.advanceTimersByTime(10_000);
      await failed;
      vi.useRealTimers();
      await holder.query('ROLLBACK');
      await holder.end();
      await write(tracer, withId('late'));
      expect(await ids()).toEqual([EVENT.eventId, 'late']);
    });
  });

  test('over TLS the certificate is verified', async () => {
    const local = { ...documented(), host: 'localhost', ssl: true };
    const tracer = await start({ ...local, ssl_ca_file: server.certificate });
    await write(tracer);
    await expect(write(await start(local))).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    await expect(
      write(await start({ ...local, host: '127.0.0.1', ssl_ca_file: server.certificate })),
    ).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  test('a Unix socket is a host too', async () => {
    await write(await start({ ...documented(), host: server.socket }));
    expect(await ids()).toEqual([EVENT.eventId]);
  });

  test('the environment of libpq adds nothing', async () => {
    for (const [key, value] of Object.entries({
      HOST: 'nowhere.invalid',
      PORT: '1',
      SSLMODE: 'require',
      PASSWORD: 'x',
    }))
      vi.stubEnv(`PG${key}`, value);
    await write(await start());
    vi.unstubAllEnvs();
    expect(await ids()).toEqual([EVENT.eventId]);
  });

  test('shutdown writes what was called before it', async () => {
    const tracer = await start();
    const calls = Array.from({ length: 2_500 }, (_, i) => write(tracer, withId(String(i))));
    await Promise.all([tracer.shutdown(), tracer.shutdown()]);
    await Promise.all(calls);
    expect((await ids()).length).toBe(2_500);
    await expect(write(tracer)).rejects.toMatchObject({ code: 'TRACER_FAILED' });
  });
});
