import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer as createSocketServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { parse } from 'yaml';
import { diagnose } from '../../../src/cli/doctor/index.ts';
import { serverText } from '../../../src/cli/init/texts.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { spanLogFolder } from '../../../src/exporters/span-log/kept-spans.ts';
import { SpanLog } from '../../../src/exporters/span-log/span-log.ts';
import { systemClock } from '../../../src/model/clock.ts';
import { startOtlpServer } from '../../exporters/otlp-server.ts';
import { reader } from '../../journal/reader.ts';
import {
  describeWithPostgres,
  PASSWORD,
  type PostgresServer,
  sharedPostgres,
} from '../../postgres-server.ts';
import { describeWithRedis, type RedisServer, startRedisServer } from '../../redis-server.ts';
import { PATIENCE } from '../../support/eventually.ts';
import { startGrpc } from '../../support/grpc-receiver.ts';
import { freePort } from '../../support/server.ts';
import { journalFolder, openJournal, runEvents } from '../kept-runs.ts';

/** What must never be told. */
const SECRET = 'kanari-geheim';
/** Milliseconds. */
const SHORT = 500;

let folder: string;
const at = (name: string) => join(folder, name);

beforeEach(() => {
  folder = journalFolder();
});

interface Told {
  readonly about: string;
  readonly state: string;
  readonly text: string;
  readonly advice?: string;
}

/** What is found of a configuration whose relative paths lie in the folder of the test, and are told so. */
async function look(config: Record<string, unknown>, timeout = 5_000): Promise<Told[]> {
  const base = { journal: { type: 'memory' }, health: { port: 0 } };
  const text = JSON.stringify({ ...base, ...config }).replaceAll('"./', `"${folder}/`);
  writeFileSync(at('config.yml'), text);
  const diagnoses = await diagnose(await loadConfig(at('config.yml'), {}), at('config.yml'), timeout);
  const told = JSON.stringify(diagnoses);
  expect(told).not.toContain(SECRET);
  const shown = JSON.parse(told.replaceAll(folder, '.')) as { about: string; findings: Told[] }[];
  return shown.flatMap(({ about, findings }) => findings.map((finding) => ({ ...finding, about })));
}

/** What was found of one key: `state text`. */
async function found(about: string, config: Record<string, unknown>, timeout?: number): Promise<string[]> {
  const told = await look(config, timeout);
  return told.filter((one) => one.about === about).map(({ state, text }) => `${state} ${text}`);
}

/** A port that somebody listens on who never answers. */
async function silentPort(): Promise<number> {
  const server = createSocketServer(() => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

describe('the journal', () => {
  const journal = (path: string, rest: object = {}) => ({ journal: { type: 'sqlite', path, ...rest } });

  test('is made at the start', async () => {
    expect(await found('journal', journal('./data/journal.db'))).toEqual([
      'ok ./data/journal.db is created at the start',
    ]);
  });

  test('cannot be written below a file', async () => {
    expect(await found('journal', journal('./config.yml/journal.db'))).toEqual([
      'fault ./config.yml/journal.db cannot be written (ENOTDIR)',
    ]);
  });

  test('may grow beyond the disk', async () => {
    const [, warning] = await found('journal', journal('./journal.db', { max_size: '10TB' }));
    expect(warning).toMatch(/^warning the disk has [\d,]+ MiB left, the journal may grow to 9,536,743 MiB$/);
  });

  test('of a service that runs is told with its tracers, and undisturbed', async () => {
    const open = await openJournal(at('journal.db'));
    const jlinc = reader(open, 'jlinc');
    await open.append(runEvents({ id: 'a' }));
    const [first] = await jlinc.read(1);
    if (!first) throw new Error('no event');
    jlinc.consumer.settle(first, 'dead', { attempts: 1, since: 1, duration: 0, errorType: 'HTTP_400' });
    // What became of an event is written a little later than the event.
    await vi.waitFor(
      async () =>
        expect(await found('journal', journal('./journal.db'))).toEqual([
          'ok ./journal.db can be written',
          'ok a service has it open',
          'warning tracer jlinc has 3 events to hear and 1 dead letter',
          'warning jlinc has a place there, and is not configured',
        ]),
      PATIENCE,
    );
    await open.close();
    expect(await found('journal', journal('./journal.db'))).toContain('ok no service has it open');
  });

  test('may be of a schema that is not known, or none', async () => {
    const db = new DatabaseSync(at('schema.db'));
    db.exec(`pragma application_id = ${0x76436f4a}; pragma user_version = 99; create table x (y)`);
    db.close();
    expect((await found('journal', journal('./schema.db')))[1]).toMatch(
      /^fault \.\/schema\.db has schema 99/,
    );
    writeFileSync(at('text.db'), 'no database at all, but some text'.repeat(100));
    expect((await found('journal', journal('./text.db')))[1]).toBe('fault ./text.db is no journal');
  });
});

describe('ports', () => {
  test('are free, taken by another program, or answered by a service that runs', async () => {
    const taken = await silentPort();
    const free = await freePort();
    const findings = await look(
      { exporters: { prometheus: { port: taken } }, health: { port: free } },
      1_000,
    );
    expect(findings.slice(-2)).toMatchObject([
      {
        about: 'exporters.prometheus',
        state: 'fault',
        text: `127.0.0.1 port ${taken} is taken by another program`,
      },
      { about: 'health', state: 'ok', text: `127.0.0.1 port ${free} is free` },
    ]);
  });

  test('may be on no address of this machine', async () => {
    expect(
      await found('health', { health: { host: '192.0.2.1', port: 4419, allow_anonymous: true } }),
    ).toEqual([
      'warning whoever reaches 192.0.2.1 may come in: no token is asked for (allow_anonymous)',
      'fault 192.0.2.1 port 4419 cannot be listened on (EADDRNOTAVAIL)',
    ]);
  });
});

describe('receivers.http', () => {
  const token = `${SECRET}-token`;

  async function receiver(answer: (authorization: string | undefined) => number) {
    const server = await startOtlpServer(({ headers }) => answer(headers.authorization));
    onTestFinished(() => server.close());
    return { port: Number(new URL(server.endpoint).port), requests: server.requests };
  }

  test('is free, or a vcon-otel answers there to the token', async () => {
    const port = await freePort();
    expect(await found('receivers.http', { receivers: { http: { port, token } } })).toEqual([
      `ok 127.0.0.1 port ${port} is free`,
    ]);
    const running = await receiver((given) => (given === `Bearer ${token}` ? 200 : 401));
    const of = (with_: string) =>
      found('receivers.http', { receivers: { http: { port: running.port, token: with_ } } });
    expect(await of(token)).toEqual([`ok 127.0.0.1 port ${running.port} answers like a running service`]);
    expect(running.requests).toMatchObject([{ path: '/v1/traces', body: {} }]);
    expect(await of(`${SECRET}-wrong`)).toEqual([
      `fault 127.0.0.1 port ${running.port} answers, but refuses this token (HTTP_401)`,
    ]);
  });

  test('is taken by another program', async () => {
    const { port } = await receiver(() => 404);
    expect(await found('receivers.http', { receivers: { http: { port } } })).toEqual([
      `fault 127.0.0.1 port ${port} is taken by another program (HTTP_404)`,
    ]);
  });

  test('lacks the file of its certificate', async () => {
    const tls = { cert: './cert.pem', key: './config.yml' };
    expect(await found('receivers.http', { receivers: { http: { port: 0, tls } } })).toEqual([
      'fault the file of tls.cert cannot be read (ENOENT)',
      'ok takes a free port',
    ]);
  });
});

describe('receivers.grpc', () => {
  const token = `${SECRET}-token`;
  const of = (port: number, rest: object = {}) =>
    found('receivers.grpc', { receivers: { grpc: { port, ...rest } } });

  test('is free, or a vcon-otel answers there to the token', async () => {
    const free = await freePort();
    expect(await of(free)).toEqual([`ok 127.0.0.1 port ${free} is free`]);
    const { url } = await startGrpc({ token });
    const port = Number(new URL(url).port);
    expect(await of(port, { token })).toEqual([`ok 127.0.0.1 port ${port} answers like a running service`]);
    expect(await of(port, { token: `${SECRET}-wrong` })).toEqual([
      `fault 127.0.0.1 port ${port} answers, but refuses this token (UNAUTHENTICATED)`,
    ]);
  });

  test('is taken by another program', async () => {
    const server = await startOtlpServer(() => 404);
    onTestFinished(() => server.close());
    const port = Number(new URL(server.endpoint).port);
    expect(await of(port)).toEqual([
      expect.stringMatching(`^fault 127.0.0.1 port ${port} is taken by another program`),
    ]);
  });
});

describe('exporters.otlp', () => {
  const exporters = (endpoint: string, rest: object = {}) => ({ exporters: { otlp: { endpoint, ...rest } } });

  test('takes an export of nothing', async () => {
    const server = await startOtlpServer();
    onTestFinished(() => server.close());
    const headers = { 'x-api-key': SECRET };
    expect(await found('exporters.otlp', exporters(server.endpoint, { headers }))).toEqual([
      `ok ${server.endpoint}/v1/traces takes traces`,
      `ok ${server.endpoint}/v1/metrics takes metrics`,
    ]);
    expect(server.requests.map(({ body }) => body)).toContainEqual({ resourceSpans: [] });
    expect(server.requests.map(({ headers: sent }) => sent['x-api-key'])).toEqual([SECRET, SECRET]);
  });

  test('is not there, or another kind of service', async () => {
    const server = await startOtlpServer(() => 404);
    onTestFinished(() => server.close());
    const endpoint = server.endpoint.replace('//', `//user:${SECRET}@`);
    expect(await found('exporters.otlp', exporters(`${endpoint}/x?token=${SECRET}`))).toEqual([
      `fault ${server.endpoint}/x/v1/traces does not take traces (HTTP_404)`,
      `warning ${server.endpoint}/x/v1/metrics does not take metrics (HTTP_404)`,
    ]);
    expect(await found('exporters.otlp', exporters('http://127.0.0.1:1'))).toEqual([
      'fault http://127.0.0.1:1/v1/traces cannot be reached (ECONNREFUSED)',
      'fault http://127.0.0.1:1/v1/metrics cannot be reached (ECONNREFUSED)',
    ]);
  });

  test('does not answer in time', async () => {
    const port = await silentPort();
    const [traces] = await found('exporters.otlp', exporters(`http://127.0.0.1:${port}`), SHORT);
    expect(traces).toBe(`fault http://127.0.0.1:${port}/v1/traces cannot be reached (TIMEOUT)`);
  });
});

describe('conserver_config', () => {
  const conserver = (config: unknown) => writeFileSync(at('conserver.yml'), JSON.stringify(config));
  const ours = { conserver_config: './conserver.yml', receivers: { http: { port: 0 } } };

  test('has chains', async () => {
    conserver({
      links: { tag: { module: 'links.tag', options: { key: SECRET } } },
      chains: { main: { links: ['tag'], ingress_lists: ['x'] }, other: { links: null } },
      tracers: { facts: { module: 'vcon_otel', options: {} } },
      imports: { facts: { module: 'vcon_otel' } },
    });
    expect(await found('conserver_config', { ...ours, chains: { main: {} } })).toEqual([
      'ok ./conserver.yml has the chains main (tag), other (no links)',
      'ok its imports and its tracers name vcon_otel',
    ]);
  });

  test.for([
    ['the blocks that init writes', parse(serverText()), 'ok its imports and its tracers name vcon_otel'],
    ['imports in its short form', { imports: { facts: 'vcon_otel' } }, 'ok its imports name vcon_otel'],
    [
      'tracers alone, by the name of 0.1',
      { tracers: { forward: { module: 'tracers.vcon_otel_forwarder' } }, imports: 3 },
      'warning its tracers name vcon_otel, its imports do not: the first run of each worker is not heard whole',
    ],
    [
      'modules of like names',
      { imports: { a: 'vcon_otel.other', b: null }, tracers: { c: { module: 'my_vcon_otel' }, d: 3 } },
      expect.stringMatching(/^warning neither its imports nor its tracers name vcon_otel: at most spans /),
    ],
  ] as const)('names the module of facts: %s', async ([, sections, expected]) => {
    conserver({ chains: {}, ...sections });
    expect(await found('conserver_config', ours)).toEqual([expect.any(String), expected]);
  });

  test('does not fit', async () => {
    conserver({ chains: { main: { links: ['tag'] } }, tracers: null });
    const findings = await found('conserver_config', { ...ours, chains: { intake: {} } });
    expect(findings).toEqual([
      'ok ./conserver.yml has the chains main (tag)',
      'warning it has no chain intake, which is under chains',
      'warning its chain main names a link tag that is not under links',
      expect.stringMatching(/^warning its section tracers is empty: /),
      expect.stringMatching(/^warning neither its imports nor its tracers name vcon_otel: /),
    ]);
  });

  test('cannot be read', async () => {
    expect(await found('conserver_config', ours)).toEqual(['fault ./conserver.yml cannot be read (ENOENT)']);
    writeFileSync(at('conserver.yml'), `a: [${SECRET}`);
    expect(await found('conserver_config', ours)).toEqual(['fault ./conserver.yml is not a YAML mapping']);
  });
});

describeWithRedis('Redis', () => {
  let redis: RedisServer;
  let client: Redis;
  let url: string;

  beforeAll(async () => {
    redis = await startRedisServer(undefined, ['--requirepass', SECRET, '--maxmemory-policy', 'allkeys-lru']);
    url = redis.url.replace('//', `//:${SECRET}@`);
    client = new Redis(url);
  });
  afterAll(async () => {
    client.disconnect();
    await redis.stop();
  });

  const place = () => `redis://127.0.0.1:${redis.port}`;

  test('of the vCon store answers, refuses, or is away', async () => {
    const store = (to: string) => found('vcon_store', { vcon_store: { type: 'redis', url: to } });
    expect(await store(url)).toEqual([
      expect.stringMatching(new RegExp(`^ok Redis \\d\\S+ at ${place()} answers$`)),
    ]);
    expect(await store(`redis://:${SECRET}-wrong@127.0.0.1:${redis.port}`)).toEqual([
      `fault Redis at ${place()} cannot be used (WRONGPASS)`,
    ]);
    expect(await store(redis.url)).toEqual([`fault Redis at ${place()} cannot be used (NOAUTH)`]);
    expect(await store(`redis://:${SECRET}@127.0.0.1:1`)).toEqual([
      'fault Redis at redis://127.0.0.1:1 cannot be used (ECONNREFUSED)',
    ]);
  });

  test('that does not answer is given up', async () => {
    const silent = `redis://:${SECRET}@127.0.0.1:${await silentPort()}`;
    const [finding] = await found('vcon_store', { vcon_store: { type: 'redis', url: silent } }, SHORT);
    expect(finding).toMatch(
      /^fault Redis at redis:\/\/127\.0\.0\.1:\d+ cannot be used \((?:TIMEOUT|ETIMEDOUT)\)$/,
    );
  });

  test('of the stream: how far the group is, by the url of the vCon store', async () => {
    const stream = (rest: object = {}) =>
      found('receivers.redis_stream', {
        vcon_store: { type: 'redis', url },
        receivers: { redis_stream: rest },
      });
    const [answers, evicts, none] = await stream();
    expect(answers).toMatch(/^ok Redis \d\S+ at \S+ answers$/);
    expect(evicts).toMatch(/^warning with its maxmemory-policy allkeys-lru it may throw the stream away/);
    expect(none).toBe('warning there is no stream vcon-otel:events yet');
    for (let i = 0; i < 3; i += 1) await client.xadd('vcon-otel:events', '*', 'record', SECRET);
    expect((await stream())[2]).toBe(
      'warning the stream vcon-otel:events has 3 entries, and no group vcon-otel yet',
    );
    await client.xgroup('CREATE', 'vcon-otel:events', 'vcon-otel', '0');
    await client.xreadgroup('GROUP', 'vcon-otel', 'c', 'COUNT', 1, 'STREAMS', 'vcon-otel:events', '>');
    expect((await stream())[2]).toBe(
      'ok the stream vcon-otel:events has 3 entries; the group vcon-otel has 2 to read and 1 unanswered',
    );
    await client.set('text', SECRET);
    expect((await stream({ stream: 'text' }))[2]).toBe('fault the key text is no stream, but a string');
  });
});

describe('vcon_store of type directory', () => {
  test('is a folder, or not', async () => {
    mkdirSync(at('vcons'));
    const store = (path: string) => found('vcon_store', { vcon_store: { type: 'directory', path } });
    expect(await store('./vcons')).toEqual(['ok ./vcons can be read']);
    expect(await store('./none')).toEqual(['fault ./none cannot be read (ENOENT)']);
  });
});

describe('tracers', () => {
  const tracer = (module: string, options: object = {}) =>
    found('tracers.mine', { tracers: { mine: { module, options } }, vcon_store });
  const vcon_store = { type: 'directory', path: '.' };

  test('look up documents in a store that has some', async () => {
    const tracers = { mine: { module: 'tracers.compliance', options: { directory: './l' } } };
    expect(await found('tracers.mine', { tracers, vcon_store: { type: 'memory' } })).toEqual([
      expect.stringMatching(/^fault it looks up vCons, and vcon_store is a memory with none in it/),
      'ok the ledger can be written to ./l',
      'ok its signing key is created at the first start',
    ]);
  });

  test('cannot be loaded, or do not like their options', async () => {
    expect(await tracer('./none.ts')).toEqual([
      'fault tracers.mine.module: there is no such file, nor a folder with an index file',
    ]);
    expect(await tracer('tracers.audit_log', { log_fil: SECRET })).toEqual([
      'fault tracers.mine.options.log_fil: unknown key, did you mean `log_file`?',
    ]);
  });

  test('say for how long chains wait for them', async () => {
    const options = { log_file: './audit.jsonl', dlq_vcon_on_error: true };
    expect((await tracer('tracers.audit_log', options))[0]).toMatch(/^ok chains wait .*, 60 s at most; /);
  });

  test('that are not enabled are not looked at', async () => {
    expect(await tracer('./none.ts', { enabled: false })).toEqual(['ok it is not enabled: it hears nothing']);
  });

  test('audit_log, compliance, db_audit and metrics: places that can be written, hosts that are found', async () => {
    const findings = async (options: Record<string, object>) => {
      const tracers = Object.fromEntries(
        Object.entries(options).map(([name, of]) => [name, { module: `tracers.${name}`, options: of }]),
      );
      const told = await look({ tracers, vcon_store });
      return told
        .filter(({ about }) => about.startsWith('tracers.'))
        .map(({ state, text }) => `${state} ${text}`);
    };
    expect(
      await findings({
        audit_log: { log_file: './a/log' },
        compliance: { directory: './ledger' },
        db_audit: { database: './a/db' },
        metrics: { statsd_host: '127.0.0.1' },
      }),
    ).toEqual([
      'ok ./a/log can be written',
      'ok the ledger can be written to ./ledger',
      'ok its signing key is created at the first start',
      'ok ./a/db is created with the first row',
      'ok packets go to 127.0.0.1 port 8125',
    ]);
    expect(
      await findings({
        audit_log: { log_file: './config.yml/log' },
        compliance: { directory: './config.yml', key_file: './config.yml' },
        db_audit: { database: './' },
        metrics: { statsd_host: 'no-such-host.invalid' },
      }),
    ).toEqual([
      'fault ./config.yml/log cannot be written (ENOTDIR)',
      'fault the ledger cannot be written to ./config.yml (ENOTDIR)',
      expect.stringMatching(/^fault the signing key: /),
      expect.stringMatching(/^warning \.\/config\.yml is open to others/),
      'fault ./ cannot be written (EISDIR)',
      expect.stringMatching(/^fault the host no-such-host\.invalid is not found \(E/),
    ]);
  });

  test('external_audit: reached by a request that changes nothing', async () => {
    const requests: string[] = [];
    const server = createSocketServer((socket) =>
      socket.on('data', (data) => {
        requests.push(data.toString());
        const status = data.toString().includes(`${SECRET}-right`) ? '405 No' : '401 No';
        socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`);
      }),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    const api_url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/events`;
    const audit = (options: object) =>
      tracer('tracers.external_audit', { api_url, system_id: 's', ...options });
    const allow_private_hosts = ['127.0.0.1'];
    expect(await audit({ allow_private_hosts, api_key: `${SECRET}-right` })).toEqual([
      `ok ${api_url} answers`,
    ]);
    expect(requests[0]).toMatch(/^HEAD \/events HTTP/);
    expect(await audit({ allow_private_hosts, api_key: SECRET })).toEqual([
      `fault ${api_url} does not accept the key (HTTP_401)`,
    ]);
    expect(await audit({})).toEqual([`fault ${api_url} cannot be reached (ADDRESS_REFUSED)`]);
    expect(await audit({ allow_private_hosts, api_url: `http://127.0.0.1:1/?key=${SECRET}` })).toEqual([
      'fault http://127.0.0.1:1/ cannot be reached (ECONNREFUSED)',
    ]);
  });

  test('jlinc: the data store is asked for its domains', async () => {
    const server = await startOtlpServer(({ headers }) =>
      headers.authorization === `Bearer ${SECRET}-right` ? 200 : 401,
    );
    onTestFinished(() => server.close());
    const jlinc = (data_store_api_key: string, data_store_api_url = server.endpoint) =>
      tracer('tracers.jlinc', {
        ...{ data_store_api_url, data_store_api_key, allow_private_hosts: ['127.0.0.1'], directory: './j' },
      });
    expect(await jlinc(`${SECRET}-right`)).toEqual([
      'ok receipts can be written to ./j',
      `ok the data store ${server.endpoint}/ answers and accepts the key`,
    ]);
    expect(server.requests.map(({ path }) => path)).toEqual(['/api/v1/data/entity/domains/get']);
    expect((await jlinc(SECRET))[1]).toBe(`fault the data store ${server.endpoint}/ refuses (HTTP_401)`);
    expect((await jlinc(SECRET, 'http://127.0.0.1:1'))[1]).toBe(
      'fault http://127.0.0.1:1/ cannot be reached (ECONNREFUSED)',
    );
  });
});

describeWithPostgres('db_audit in PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await sharedPostgres();
    await server.query(`CREATE USER writer PASSWORD '${SECRET}'`);
    await server.query(
      'CREATE TABLE kept (event_id text PRIMARY KEY, vcon_uuid text, event text, "timestamp" timestamptz, metadata jsonb)',
    );
    await server.query(
      'CREATE TABLE four (vcon_uuid uuid, event text, "timestamp" timestamp, metadata json)',
    );
    await server.query('CREATE TABLE two (vcon_uuid uuid, event text, site text NOT NULL)');
    await server.query('CREATE TABLE more (LIKE four, site text NOT NULL, event_id text)');
  });
  afterAll(() => server.remove());

  const db = (options: object) =>
    found('tracers.mine', { tracers: { mine: { module: 'tracers.db_audit', options } } });

  test('the user may write, make the table, or neither', async () => {
    const place = `PostgreSQL at 127.0.0.1 port ${server.port}`;
    const as = { host: '127.0.0.1', port: server.port, database: server.database };
    const root = { ...as, user: 'root', password: PASSWORD };
    const writer = { ...as, user: 'writer', password: SECRET };
    expect(await db(root)).toEqual([
      `ok ${place} lets root in`,
      'ok its table vcon_events is created with the first row',
    ]);
    expect((await db({ ...root, table: 'kept' }))[1]).toBe('ok rows can be written to its table kept');
    expect((await db({ ...root, table: 'audit.events' }))[1]).toBe(
      'ok its table audit.events is created with the first row',
    );
    expect((await db(writer))[1]).toBe('fault there is no table vcon_events, and writer may not create it');
    expect((await db({ ...writer, table: 'kept' }))[1]).toBe('fault writer may not write to the table kept');
    await server.query('GRANT INSERT, SELECT (event_id) ON kept TO writer');
    expect((await db({ ...writer, table: 'kept' }))[1]).toBe('ok rows can be written to its table kept');
    const { rows } = { rows: await server.query("SELECT 1 FROM pg_class WHERE relname = 'vcon_events'") };
    expect(rows).toEqual([]);
    expect(await db({ ...writer, password: `${SECRET}-wrong` })).toEqual([
      `fault ${place} cannot be used (SQLSTATE_28P01)`,
    ]);
    expect(await db({ ...root, database: 'none' })).toEqual([
      `fault ${place} cannot be used (SQLSTATE_3D000)`,
    ]);
    expect(await db({ url: `postgres://writer:${SECRET}@127.0.0.1:1/postgres` })).toEqual([
      'fault PostgreSQL at 127.0.0.1 port 1 cannot be used (ECONNREFUSED)',
    ]);
  });

  test('a table that somebody else made lacks something: each fault has the statement that mends it', async () => {
    const root = { host: '127.0.0.1', port: server.port, database: server.database, user: 'root' };
    const advice = async (table: string) => {
      const options = { ...root, password: PASSWORD, table };
      const told = await look({ tracers: { mine: { module: 'tracers.db_audit', options } } });
      const about = told.filter(({ about }) => about === 'tracers.mine').slice(1);
      return about.map(({ state, text, advice }) => [state, text, advice]);
    };
    const add = 'ALTER TABLE two ADD COLUMN "timestamp" timestamptz, ADD COLUMN "metadata" jsonb';
    expect(await advice('two')).toEqual([
      [
        'fault',
        'its table two has no column timestamp, metadata: no row can be written',
        `${add}, or name another table`,
      ],
    ]);
    await server.query(add);
    const drop = 'ALTER TABLE two ALTER COLUMN "site" DROP NOT NULL';
    expect(await advice('two')).toEqual([
      ['fault', 'its table two wants site, which this tracer does not know: no row can be written', drop],
    ]);
    await server.query(drop);
    expect(await advice('two')).toEqual([
      ['ok', 'rows can be written to its table two', undefined],
      [
        'warning',
        expect.stringContaining('is there twice, since without an index on vcon_uuid'),
        expect.anything(),
      ],
    ]);
    await server.query('CREATE INDEX ON four (vcon_uuid)');
    expect(await advice('four')).toEqual([
      ['ok', 'rows can be written to its table four', undefined],
      [
        'warning',
        'it has no column event_id in its table four: a row that is sent again is looked for, which two adapters at once may both do in vain',
        'ALTER TABLE four ADD COLUMN event_id text UNIQUE; then start the service again',
      ],
    ]);
    await server.query('ALTER TABLE more ALTER site DROP NOT NULL');
    expect((await advice('more'))[1]?.[2]).toMatch(/^ALTER TABLE more ADD UNIQUE \(event_id\);/);
  });
});

test('places in the journal, and spans beside it, of whom the configuration does not name any more', async () => {
  const journal = await openJournal(at('journal.db'));
  for (const name of ['old', 'kept']) reader(journal, name);
  await vi.waitUntil(async () => {
    const db = new DatabaseSync(at('journal.db'), { readOnly: true });
    const { places } = db.prepare('select count(*) as places from consumer').get() as { places: number };
    db.close();
    return places === 2;
  }, PATIENCE);
  await journal.close();
  mkdirSync(join(at('journal.db-beside'), 'spans-gone'), { recursive: true });
  const told = await look({
    tracers: { kept: { module: 'tracers.audit_log', enabled: false } },
    journal: { type: 'sqlite', path: './journal.db' },
  });
  expect(told.filter(({ text }) => text.includes('not configured'))).toEqual(
    ['exporters.gone', 'old'].map((name) => ({
      about: 'journal',
      state: 'warning',
      text: `${name} has a place there, and is not configured`,
      advice: `vcon-otel queue forget ${name} --config ./config.yml says what waits there, and removes it with --yes`,
    })),
  );
});

test('spans that wait on the disk for an exporter, and have waited for long', async () => {
  await (await openJournal(at('journal.db'))).close();
  const clock = { ...systemClock, now: () => Date.now() - 3_600_000 };
  const folder = spanLogFolder(at('journal.db-beside'), 'otlp_file');
  const log = await SpanLog.open({ folder, retention: 86_400_000, maxSize: 1e8, clock });
  const provider = new TracerProvider({
    spanProcessors: [
      {
        onStart: () => {},
        onEnd: (span) => void log.add(span),
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    ],
  });
  for (const name of ['one', 'two']) provider.getTracer('test').startSpan(name).end();
  await log.durable();
  await log.close();
  const told = await look({
    exporters: { otlp_file: { path: at('spans.jsonl') } },
    journal: { type: 'sqlite', path: './journal.db' },
  });
  expect(told.filter(({ text }) => text.includes('wait on the disk'))).toEqual([
    {
      about: 'exporters.otlp_file',
      state: 'warning',
      text: '2 spans wait on the disk for it, the oldest for 1 h 00 m',
      advice: 'they are sent by themselves once a service runs and it takes them',
    },
  ]);
});
