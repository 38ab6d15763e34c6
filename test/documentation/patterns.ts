import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, vi } from 'vitest';
import { runChain, startTracing } from '../../src/index.ts';
import { hashOf } from '../../src/ledger/index.ts';
import compliance from '../../src/tracers/compliance.ts';
import dbAudit from '../../src/tracers/db-audit.ts';
import externalAudit from '../../src/tracers/external-audit.ts';
import metrics from '../../src/tracers/metrics.ts';
import { memoryVconStore } from '../../src/vcon-store/index.ts';
import { startServer } from '../outgoing/misbehaving-server.ts';
import { PATIENCE } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { eventContext, started } from '../tracers/started.ts';
import { differs, type Item, same } from './item.ts';
import { logLines } from './log-lines.ts';
import { BROKEN, CHAIN, DOCUMENT, eventsOf, pass, UUID } from './passage.ts';

/** What an external service is sent of a chain's start. */
async function posted(options: object = {}, status = 200) {
  const server = await startServer((response) => response.writeHead(status).end());
  onTestFinished(() => server.close());
  const tracer = await started('tracers.external_audit', {
    api_url: String(server.url),
    allow_private_hosts: ['127.0.0.1'],
    ...options,
  });
  const answer = await tracer
    .trace(UUID, 'chain_start', eventContext())
    .then(() => undefined)
    .catch((error: unknown) => error);
  await tracer.shutdown();
  return { answer, request: server.received[0] };
}

/** The records that the compliance tracer writes of a passage. */
async function recorded(options: object = {}): Promise<Record<string, unknown>[]> {
  const directory = join(temporaryFolder(), 'ledger');
  await pass({ tracers: { audit: { module: 'tracers.compliance', options: { directory, ...options } } } });
  const segments = join(directory, 'segments');
  return readdirSync(segments)
    .flatMap((name) => readFileSync(join(segments, name), 'utf8').trimEnd().split('\n'))
    .map((line) => JSON.parse(line));
}
const eventNamed = (records: readonly Record<string, unknown>[], name: string) =>
  records.find(({ event }) => event === name);

/** The packets that the metrics tracer sends of a passage. */
async function packets(chain = BROKEN): Promise<string[]> {
  const heard: string[] = [];
  const socket = createSocket('udp4').on('message', (packet) => heard.push(String(packet)));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  const options = { statsd_host: '127.0.0.1', statsd_port: socket.address().port };
  const passage = await pass({ chain, tracers: { statsd: { module: 'tracers.metrics', options } } });
  await vi.waitUntil(
    () => heard.some((text) => text.includes(`events.${eventsOf(passage).at(-1)}:`)),
    PATIENCE,
  );
  return heard;
}

/** Rows that `db_audit` writes to a table of SQLite that is there already. */
async function rows(): Promise<Record<string, unknown>[]> {
  const database = join(temporaryFolder(), 'audit.db');
  const file = new DatabaseSync(database);
  file.exec('CREATE TABLE vcon_events (vcon_uuid TEXT, event TEXT, timestamp TIMESTAMP, metadata TEXT)');
  file.close();
  await pass({ tracers: { db: { module: 'tracers.db_audit', options: { database } } } });
  const read = new DatabaseSync(database, { readOnly: true });
  const found = read.prepare('SELECT * FROM vcon_events').all();
  read.close();
  return found;
}

/** The patterns for a database, a service, compliance and metrics. */
export const patterns: readonly Item[] = [
  differs('A27', 'the database is audit on localhost, its user audit, by default', () => {
    expect(dbAudit.options?.parse({ password: 'secret' })).toMatchObject({
      host: '127.0.0.1',
      database: 'audit',
      user: 'audit',
    });
    expect(dbAudit.options?.parse({})).toMatchObject({ driver: 'sqlite' });
  }),
  same('A28', 'an empty password is none', () => {
    expect(dbAudit.options?.parse({ host: 'db', password: '' })).toMatchObject({ password: '' });
  }),
  same('A29', 'the table is vcon_events by default', () => {
    expect(dbAudit.options?.parse({})).toMatchObject({ table: 'vcon_events' });
  }),
  same('A30', 'a row has vcon_uuid, event, timestamp and metadata', async () => {
    expect((await rows())[0]).toMatchObject({
      vcon_uuid: UUID,
      event: 'chain_start',
      timestamp: expect.any(String),
      metadata: expect.any(String),
    });
  }),
  same('A31', 'a table of these four columns is enough', async () => {
    expect((await rows()).map(({ event }) => event)).toEqual(eventsOf(await pass()));
  }),
  same('A32', 'metadata has the source', async () => {
    expect(JSON.parse(String((await rows())[0]?.metadata))).toMatchObject({ source: 'vcon-server' });
  }),
  differs('A33', 'api_url has a default', () => {
    expect(externalAudit.options?.safeParse({}).success).toBe(false);
  }),
  same('A34', 'an empty api_key is none', async () => {
    const { request } = await posted({ api_key: '' });
    expect(request?.headers.authorization).toBeUndefined();
  }),
  same('A35', 'system_id is vcon-server by default', async () => {
    expect(JSON.parse((await posted()).request?.body ?? '')).toMatchObject({ system_id: 'vcon-server' });
  }),
  same('A36', 'five fields are sent', async () => {
    expect(JSON.parse((await posted()).request?.body ?? '')).toEqual({
      system_id: 'vcon-server',
      entity_id: UUID,
      entity_type: 'vcon',
      event_type: 'chain_start',
      timestamp: expect.any(String),
    });
  }),
  same('A37', 'a bearer token and JSON are in the headers', async () => {
    const { request } = await posted({ api_key: 'key' });
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer key',
      'content-type': expect.stringContaining('application/json'),
    });
  }),
  same('A38', 'a request may take 5 s', () => {
    expect(externalAudit.options?.parse({ api_url: 'https://audit.example.com' })).toMatchObject({
      timeout: 5_000,
    });
  }),
  same('A39', 'an answer that is no success is a failure', async () => {
    expect((await posted({}, 500)).answer).toBeInstanceOf(Error);
  }),
  same('A40', 'a failure is logged', async () => {
    const said = (await logLines('info')).filter(({ level }) => level >= 40).map(({ msg }) => msg);
    expect(said).toContainEqual(expect.stringContaining('failing'));
  }),
  same('A41', 'without dlq_vcon_on_error the chain goes on', async () => {
    const { result } = await pass({ answer: () => Promise.reject(new Error('no')) });
    expect(result).toMatchObject({ outcome: 'complete', deadLettered: false });
  }),
  differs('A42', 'with dlq_vcon_on_error a failure sends the vCon to the dead letters', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    const strict = {
      module: { trace: () => answered },
      options: { dlq_vcon_on_error: true },
      delivery: { chain_wait: '50ms' },
    };
    const store = memoryVconStore();
    const tracing = await startTracing({ log_level: 'error', tracers: { strict } }, { vcons: store });
    const settings = { vcons: store, queue: store, ingressList: 'default' };
    const result = await runChain(CHAIN, { uuid: UUID }, settings);
    expect(result).toMatchObject({ outcome: 'error', deadLettered: true });
    expect((await store.pop('DLQ:default'))?.uuid).toBe(UUID);
    // The audit has the event all the same, once the service is there again.
    answer();
    await tracing.forceFlush();
    expect(tracing.stats().tracers.strict).toMatchObject({ ok: 2, dead: 0, pending: 0 });
    await tracing.shutdown();
  }),
  same('A43', 'the hash is SHA-256 by default', () => {
    expect(compliance.options?.parse({})).toMatchObject({ hash_algorithm: 'sha256' });
  }),
  same('A44', 'another algorithm of hashlib can be named', async () => {
    for (const hash_algorithm of ['sha512', 'sha3_256', 'blake2b', 'md5'] as const) {
      const end = eventNamed(await recorded({ hash_algorithm, content_binding: 'hash' }), 'chain_complete');
      expect(end).toMatchObject({ hash_algorithm, content_hash: hashOf(hash_algorithm, DOCUMENT) });
    }
  }),
  same('A45', 'include_content_hash is true by default', async () => {
    expect(eventNamed(await recorded(), 'chain_complete')?.content_hash).toMatch(/^[0-9a-f]{64}$/);
  }),
  same('A46', 'include_content_hash: false leaves it out', async () => {
    const end = eventNamed(await recorded({ include_content_hash: false }), 'chain_complete');
    expect(end).not.toHaveProperty('content_hash');
  }),
  same('A47', 'retention_policy is 7_years by default, and in the record', async () => {
    expect((await recorded())[0]).toMatchObject({ retention_policy: '7_years' });
  }),
  differs('A48', 'retention_policy is any label', async () => {
    expect((await recorded({ retention_policy: 'legal hold' }))[0]).toMatchObject({
      retention_policy: 'legal hold',
    });
  }),
  differs('A49', 'record_id is made of uuid, event and time', async () => {
    const [first] = await recorded();
    expect(first?.record_id).toBe(`${first?.run_id}/chain/start`);
  }),
  same('A50', 'a record has vcon_uuid, event, timestamp and retention_policy', async () => {
    expect((await recorded())[0]).toMatchObject({
      vcon_uuid: UUID,
      event: 'chain_start',
      timestamp: expect.stringMatching(/^\d{4}-/),
      retention_policy: '7_years',
    });
  }),
  same('A51', 'only chain_complete and storage_complete have a hash', async () => {
    const hashed = (await recorded()).filter((record) => 'content_hash' in record).map(({ event }) => event);
    expect(hashed.sort()).toEqual(['chain_complete', 'storage_complete']);
  }),
  differs('A52', 'the hash is that of the document', async () => {
    const [bare, keyed] = [await recorded({ content_binding: 'hash' }), await recorded()].map(
      (records) => eventNamed(records, 'chain_complete')?.content_hash,
    );
    expect(bare).toBe(hashOf('sha256', DOCUMENT));
    expect(keyed).not.toBe(bare);
  }),
  same('A53', 'the algorithm is recorded', async () => {
    expect(eventNamed(await recorded(), 'chain_complete')?.hash_algorithm).toBe('sha256');
  }),
  same('A54', 'records are stored so that they cannot be changed', async () => {
    const records = await recorded();
    expect(records[0]?.prev_hash).toBe('0'.repeat(64));
    expect(new Set(records.map(({ prev_hash }) => prev_hash)).size).toBe(records.length);
  }),
  differs('A55', 'the defaults alone are enough', () => {
    expect(compliance.options?.safeParse({}).success).toBe(true);
  }),
  same('A56', 'StatsD is on localhost:8125, the prefix vcon, by default', () => {
    expect(metrics.options?.parse({})).toEqual({
      statsd_host: '127.0.0.1',
      statsd_port: 8125,
      prefix: 'vcon',
    });
  }),
  same('A57', 'events.<event> counts', async () => {
    expect((await packets()).join('\n')).toContain('vcon.events.chain_start:1|c');
  }),
  same('A58', 'duration.<stage> is in milliseconds', async () => {
    expect((await packets()).join('\n')).toMatch(/^vcon\.duration\.chain:[\d.]+\|ms$/m);
  }),
  same('A59', 'errors.total counts', async () => {
    expect((await packets()).join('\n')).toContain('vcon.errors.total:1|c');
  }),
  same('A60', 'a start and its end make a duration', async () => {
    const heard = await packets();
    for (const stage of ['chain', 'link'])
      expect(heard.filter((text) => text.includes(`duration.${stage}:`))).toHaveLength(1);
  }),
];
