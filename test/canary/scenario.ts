import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig, parseConfig } from '../../src/config/load-config.ts';
import {
  type Chain,
  parseVcon,
  runChain,
  startTracing,
  type TracerModule,
  traceChain,
  VconOtelError,
  type VconQueue,
  type VconStore,
} from '../../src/index.ts';
import { startService } from '../../src/service/service.ts';
import {
  directoryVconStore,
  listVcons,
  memoryVconStore,
  redisVconStore,
} from '../../src/vcon-store/index.ts';
import { MARKED_JUNK, markedVcon } from './documents.ts';
import { FAILURES, fail } from './failures.ts';
import { MARK } from './marks.ts';
import { TRACERS } from './tracers.ts';

/*
 * Runs marked vCons through chains in which everything fails that can, with every exporter on and the log at its
 * most talkative. What comes out is for canary.test.ts to search: the files in OUT, what was sent, what was printed.
 */

const { OUT = '', COLLECTOR = '', BROKEN_COLLECTOR = '', REDIS = '', STATSD_PORT = '' } = process.env;
const { AUDIT_SERVICE = '', POSTGRES_PORT = '' } = process.env;
const kinds = Object.keys(FAILURES);
const errors: string[] = [];

/** Notes the message of whatever this throws, if it is an error of ours. */
async function told(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof VconOtelError)
      errors.push(`${error.name} ${error.code} ${error.path}: ${error.message}`);
  }
}

const uuid = (number: number) => `018f0000-0000-8000-8000-${String(number).padStart(12, '0')}`;
const options = { [MARK]: MARK, api_key: MARK };
/** Checked `delivery` sections: what fails is tried again soon, and given up. */
const TWICE = { retry: { initial_interval: 1, max_attempts: 2 }, circuit_breaker: { failures: 1e6 } };
/** {@link TWICE} as a configuration has it. */
const SOON = { retry: { initial_interval: '1ms', max_attempts: 2 }, circuit_breaker: { failures: 1e6 } };
const GIVEN_UP = { retry: { max_attempts: 1 } };

/** For each way to fail a chain with a link and one with storages that do. */
const chains: Chain[] = kinds.flatMap((kind) => [
  {
    name: 'links',
    links: [
      { name: 'good', run: (id) => id },
      { name: kind, options, run: () => fail(kind) },
    ],
  },
  {
    name: 'storages',
    links: [{ name: 'good', run: async (id) => id }],
    storages: [
      { name: `sync_${kind}`, options, save: () => fail(kind) },
      { name: `async_${kind}`, options, save: async () => fail(kind) },
    ],
  },
]);
const oddChains: Chain[] = [
  { name: 'odd', links: [{ name: 'answers_object', run: () => ({ [MARK]: MARK }) as never }] },
  { name: 'odd', links: [{ name: 'answers_true', run: () => true as never }] },
  { name: 'odd', links: [{ name: 'hangs', run: () => new Promise(() => {}) }] },
  {
    name: 'odd',
    links: [{ name: 'reads', run: async (id, { vcons }) => parseVcon((await vcons.read(id)) ?? '').uuid }],
  },
];

async function runAll(vcons: VconStore, queue: VconQueue): Promise<void> {
  const settings = { vcons, queue, ingressList: 'inbox', timeout: 50, stackTraces: true };
  for (const [number, chain] of [...chains, ...oddChains].entries())
    await told(async () => {
      const { error } = await runChain(
        { ...chain, egressLists: ['outbox'] },
        { uuid: uuid(number % 10) },
        settings,
      );
      if (error instanceof VconOtelError) throw error;
    });
  for (const kind of kinds)
    await told(() => traceChain({ name: 'body', links: [], stackTraces: true }, uuid(1), () => fail(kind)));
}

/** A queue and a store that fail in the same ways. */
function failing(kind: string): VconStore & VconQueue {
  const act = async () => fail(kind);
  return { read: act, write: act, close: act, push: act, pop: act, deadLetter: act };
}

async function everythingOn(): Promise<void> {
  const vcons = memoryVconStore();
  for (let number = 0; number < 10; number += 1) await vcons.write(uuid(number), markedVcon(uuid(number)));
  for (const [number, junk] of MARKED_JUNK.entries()) await vcons.write(uuid(number), junk);
  const file = join(OUT, 'config.yml');
  const text = `
log_level: trace
exporters:
  otlp: { endpoint: "${COLLECTOR}", headers: { x-api-key: "\${SECRET_FROM_ENVIRONMENT}", x-other: ${MARK} } }
  otlp_file: { path: "${join(OUT, 'traces.otlp.jsonl')}" }
  prometheus: { port: 0 }
tracers:
  audit: { module: tracers.audit_log, options: { log_file: "${join(OUT, 'audit.jsonl')}", include_vcon_data: true, record: both } }
  ledger: { module: tracers.compliance, options: { directory: "${join(OUT, 'ledger')}" } }
  statsd: { module: tracers.metrics, options: { statsd_port: ${STATSD_PORT} } }
  db: { module: tracers.db_audit, options: { database: "${join(OUT, 'db-audit.db')}" } }
  keyed: { module: replaced below, options: { api_key: "\${SECRET_FROM_ENVIRONMENT}", note: ${MARK} } }
chains: { links: { links: [good] }, storages: {}, odd: {}, body: {} }
journal: { type: sqlite, path: "${join(OUT, 'journal.db')}" }
`;
  await writeFile(file, text);
  const loaded = await loadConfig(file);
  await writeFile(file, '');
  const { tracers } = loaded.config;
  for (const [name, module] of Object.entries(TRACERS))
    tracers[name] = { options, delivery: TWICE, ...tracers[name], module };
  const tracing = await startService(loaded, { vcons });
  await runAll(vcons, vcons);
  for (const kind of kinds) await runAll(failing(kind), failing(kind));
  await tracing.forceFlush();
  const scrape = await fetch(tracing.prometheusUrl ?? '');
  await writeFile(join(OUT, 'scrape.txt'), await scrape.text());
  await tracing.shutdown();
  await writeFile(join(OUT, 'stats.json'), JSON.stringify(tracing.stats()));
}

/** A collector and an audit service that refuse and answer with marks, a Redis and a PostgreSQL that let nobody in. */
async function nothingAnswersWell(): Promise<void> {
  const strict: TracerModule = { trace: () => fail('message') };
  const tracing = await startTracing({
    log_level: 'trace',
    tracers: {
      strict: { module: strict, options: { dlq_vcon_on_error: true }, delivery: GIVEN_UP },
      locked: {
        module: 'tracers.db_audit',
        options: {
          host: '127.0.0.1',
          port: Number(POSTGRES_PORT),
          ...{ database: MARK, user: MARK, password: MARK },
        },
        delivery: SOON,
      },
      service: {
        module: 'tracers.external_audit',
        options: {
          api_url: `${AUDIT_SERVICE}?${MARK}=${MARK}`,
          ...{ api_key: MARK, system_id: 'conserver', signing_key: `${MARK} signing key` },
          allow_private_hosts: ['127.0.0.1'],
        },
        delivery: SOON,
      },
    },
    vcon_store: { type: 'redis', url: REDIS },
    exporters: {
      otlp: { endpoint: `${BROKEN_COLLECTOR}/${MARK}?${MARK}=${MARK}`, headers: { [`x-${MARK}`]: MARK } },
    },
  });
  const redis = redisVconStore({ url: REDIS, timeout: 200 });
  await runAll(redis, memoryVconStore());
  await told(() => redis.read(uuid(1)));
  await told(() => redis.push(MARK, uuid(1)));
  await redis.close();
  await tracing.forceFlush();
  await tracing.shutdown();
}

async function nothingStarts(): Promise<void> {
  const create = (kind: string): TracerModule => ({ create: () => fail(kind) });
  for (const kind of kinds)
    await told(() => startTracing({ log_level: 'trace', tracers: { broken: { module: create(kind) } } }));
  // Names of options may be told, their values may not.
  const audit = { log_file: 5, record: MARK, include_vcon_data: MARK, dlq_vcon_on_error: MARK };
  const statsd = { prefix: `${MARK}:`, statsd_port: MARK };
  await told(() => startTracing({ tracers: { audit: { module: 'tracers.audit_log', options: audit } } }));
  await told(() => startTracing({ tracers: { statsd: { module: 'tracers.metrics', options: statsd } } }));
  for (const options of [
    { url: `postgres://${MARK}:${MARK}@${MARK}?${MARK}=${MARK}`, host: MARK },
    { driver: MARK, table: `${MARK};`, port: MARK, ssl: MARK },
    { driver: 'sqlite', password: MARK, database: MARK, url: MARK },
    { database: `/dev/null/${MARK}` },
    { user: 'u', database: 'd', ssl: true, ssl_ca_file: `/dev/null/${MARK}` },
  ])
    await told(() => startTracing({ tracers: { db: { module: 'tracers.db_audit', options } } }));
  for (const options of [
    { api_url: `https://${MARK}:${MARK}@${MARK}`, api_key: `${MARK}\n`, system_id: 1, signing_key: MARK },
    { api_url: MARK, system_id: [MARK], batch_size: MARK, allow_private_hosts: MARK },
  ])
    await told(() => startTracing({ tracers: { service: { module: 'tracers.external_audit', options } } }));
  await told(() =>
    startTracing({
      tracers: { audit: { module: 'tracers.audit_log', options: { log_file: `/dev/null/${MARK}` } } },
    }),
  );
  await told(() => startTracing({ tracers: { lost: { module: `./${MARK}.ts` } } }));
  await told(() => startTracing({ tracers: { lost: { module: MARK } } }));
  await told(() => startTracing({ vcon_store: { type: 'directory', path: `/dev/null/${MARK}` } }));
  await told(() => startTracing({ vcon_store: { type: 'redis', url: `http://${MARK}:${MARK}@${MARK}` } }));
  await told(() =>
    startTracing({ exporters: { otlp: { endpoint: `ftp://${MARK}` } }, log_level: MARK as never }),
  );
  await told(() =>
    parseConfig({}, { OTEL_TRACES_SAMPLER: MARK, OTEL_EXPORTER_OTLP_ENDPOINT: MARK, OTEL_LOG_LEVEL: MARK }),
  );
  await told(() => redisVconStore({ url: `redis://${MARK}:${MARK}@[${MARK}` }));
  const file = join(OUT, 'faulty.yml');
  for (const text of [
    `service_name: "${MARK}`,
    `exporters: { prometheus: { port: ${MARK} } }`,
    `tracers: { a: { module: [${MARK}] } }`,
    `- ${MARK}`,
    MARK,
    `a: &a [${MARK}]\nb: *b`,
  ]) {
    await writeFile(file, text);
    await told(() => loadConfig(file));
  }
  await writeFile(file, '');
}

async function documentsAreWrong(): Promise<void> {
  for (const junk of MARKED_JUNK) await told(() => parseVcon(junk));
  const folder = join(OUT, 'vcons');
  await mkdir(folder);
  for (const [number, junk] of MARKED_JUNK.entries())
    await writeFile(join(folder, `${MARK} ${number}.vcon.json`), junk);
  await mkdir(join(folder, `${MARK}.vcon.json`));
  for await (const listed of listVcons(folder))
    if ('error' in listed) await told(() => Promise.reject(listed.error));
  const store = directoryVconStore({ path: folder });
  await told(() => store.read(`../${MARK}`));
  await told(() => store.read(MARK));
  await told(() => store.write(MARK, markedVcon(uuid(1))));
  await told(() => store.write(`../${MARK}`, markedVcon(uuid(1))));
}

await everythingOn();
await nothingAnswersWell();
await nothingStarts();
await documentsAreWrong();
await writeFile(join(OUT, 'errors.txt'), errors.join('\n'));
