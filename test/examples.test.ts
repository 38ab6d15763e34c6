import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { metrics } from '@opentelemetry/api';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import asyncTracer from '../examples/async-tracer.ts';
import batchTracer from '../examples/batch-tracer.ts';
import cachingTracer from '../examples/caching-tracer.ts';
import countingTracer from '../examples/counting-tracer.ts';
import customExporter from '../examples/custom-exporter.ts';
import customTracer from '../examples/custom-tracer.ts';
import customVconStore from '../examples/custom-vcon-store.ts';
import failSafeTracer from '../examples/fail-safe-tracer.ts';
import retentionTracer from '../examples/retention-tracer.ts';
import runTracer from '../examples/run-tracer.ts';
import structuredTracer from '../examples/structured-tracer.ts';
import { loadConfig, redactConfig } from '../src/config/load-config.ts';
import { batchSpans } from '../src/exporters/index.ts';
import { startTracing, traceChain } from '../src/index.ts';
import { tracersOf } from '../src/service/components.ts';
import { componentFaults } from '../src/service/named-component.ts';
import { bind } from '../src/testing/direct-calls.ts';
import { type TracerCheck, testTracer } from '../src/testing/index.ts';
import { memoryVconStore, redisVconStore } from '../src/vcon-store/index.ts';
import { startServer } from './outgoing/misbehaving-server.ts';
import { describeWithRedis, sharedRedis } from './redis-server.ts';
import { PATIENCE } from './support/eventually.ts';
import { eventContext, linkContext } from './tracers/started.ts';

const root = join(import.meta.dirname, '..');

/** The lines of a file as JSON; none if it is not there. */
async function lines(path: string): Promise<{ eventId: string }[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

async function prepareFolder() {
  const directory = await mkdtemp(join(tmpdir(), 'vcon-otel-examples-'));
  return { directory, close: () => rm(directory, { recursive: true }) };
}

function testAll(checks: readonly TracerCheck[]): void {
  for (const { name, run } of checks) test(name, run);
}

beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('examples/custom-tracer.ts', () => testAll(testTracer(customTracer)));
describe('examples/counting-tracer.ts', () => testAll(testTracer(countingTracer)));

describe('examples/fail-safe-tracer.ts', () => {
  const prepare = async () => {
    const { directory, close } = await prepareFolder();
    const file = join(directory, 'first');
    const fallback = join(directory, 'second');
    return { options: { file, fallback }, close };
  };
  testAll(
    testTracer(failSafeTracer, {
      prepare,
      heard: async ({ options }) => (await lines(options.file)).map(({ eventId }) => eventId),
    }),
  );

  test('writes to the fallback what cannot be written, and counts what cannot be written there', async () => {
    const { options, close } = await prepare();
    await mkdir(options.file);
    const tracer = bind(failSafeTracer, options, 1_000);
    await tracer?.call(eventContext());
    expect(await lines(options.fallback)).toMatchObject([{ eventId: eventContext().eventId }]);
    await rm(options.fallback);
    await mkdir(options.fallback);
    await tracer?.call(eventContext());
    await tracer?.shutdown();
    expect(console.warn).toHaveBeenCalledWith('tracer tested: 1 events lost');
    await close();
  });
});

describe('examples/batch-tracer.ts', () =>
  testAll(
    testTracer(batchTracer, {
      prepare: async () => {
        const { directory, close } = await prepareFolder();
        return { options: { file: join(directory, 'events') }, close };
      },
      heard: async ({ options }) => (await lines(options.file)).map(({ eventId }) => eventId),
    }),
  ));

describe('examples/async-tracer.ts', () => {
  const prepare = async () => {
    const heard: string[] = [];
    const answer = { status: 200 };
    const server = await startServer((response, { headers }) => {
      if (answer.status === 200) heard.push(decodeURIComponent(String(headers['idempotency-key'])));
      response.writeHead(answer.status, { 'retry-after': '0' }).end();
    });
    return {
      heard,
      answer,
      options: { url: String(server.url), token: 'kanari token' },
      close: () => server.close(),
    };
  };
  testAll(
    testTracer(asyncTracer, {
      prepare,
      heard: ({ heard }) => heard,
      outage: {
        begin: ({ answer }) => {
          answer.status = 503;
        },
        end: ({ answer }) => {
          answer.status = 200;
        },
      },
    }),
  );

  test.each([
    [400, true],
    [429, false],
    [500, false],
  ])('calls %i permanent: %j', async (status, permanent) => {
    const { answer, options, close } = await prepare();
    answer.status = status;
    await expect(bind(asyncTracer, options, 1_000)?.call(eventContext())).rejects.toMatchObject({
      permanent,
      retryAfter: 0,
    });
    await close();
  });
});

test('examples/async-tracer.ts says whether its hook answers', async () => {
  const server = await startServer((response) => response.writeHead(405).end());
  const { host } = new URL(String(server.url));
  const probe = (url: unknown) =>
    asyncTracer.probe?.({ url: String(url), token: 't' }, { name: 'hook', timeout: 5_000 });
  expect(await probe(server.url)).toEqual([{ state: 'ok', text: `${host} answers` }]);
  await server.close();
  expect(await probe(server.url)).toMatchObject([{ state: 'fault', text: `${host} does not answer` }]);
});

describe('examples/structured-tracer.ts', () => {
  const prepare = async () => {
    const { directory, close } = await prepareFolder();
    return { options: { file: join(directory, 'records'), labels: { site: 'berlin' } }, close };
  };
  testAll(testTracer(structuredTracer, { prepare }));

  test('writes what the documented signature has no word for', async () => {
    const { options, close } = await prepare();
    const tracer = bind(structuredTracer, options, 1_000);
    await tracer?.call(eventContext());
    await tracer?.call(linkContext());
    expect(await lines(options.file)).toEqual([
      {
        time: '2026-03-01T12:00:00.250Z',
        event: 'link_complete',
        vcon_uuid: linkContext().outVconUuid,
        metadata: {
          event_id: linkContext().eventId,
          run_id: linkContext().runId,
          chain: 'main',
          link: 'analyze',
          outcome: 'success',
        },
        seconds: 0.0125,
        trace_id: linkContext().spanContext.traceId,
        labels: { site: 'berlin' },
      },
    ]);
    await close();
  });
});

describe('examples/retention-tracer.ts', () => {
  test('compresses files that are old, deletes those that are too old, and leaves others alone', async () => {
    const { directory, close } = await prepareFolder();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-06-30T10:00:00Z') });
    const old = ['2026-03-31.jsonl', '2026-03-31.jsonl.gz', '2026-04-01.jsonl.gz', '2026-05-30.jsonl'];
    for (const name of [...old, '2026-05-31.jsonl', 'notes.txt'])
      await writeFile(join(directory, name), `${name}\n`);
    const tracer = bind(retentionTracer, { directory, retention_days: 90, archive_after_days: 30 }, 1_000);
    await tracer?.call(eventContext());
    expect((await readdir(directory)).sort()).toEqual([
      '2026-04-01.jsonl.gz',
      '2026-05-30.jsonl.gz',
      '2026-05-31.jsonl',
      '2026-06-30.jsonl',
      'notes.txt',
    ]);
    const archived = gunzipSync(await readFile(join(directory, '2026-05-30.jsonl.gz')));
    expect(archived.toString()).toBe('2026-05-30.jsonl\n');
    expect(await lines(join(directory, '2026-06-30.jsonl'))).toMatchObject([{ event: 'chain_start' }]);
    vi.setSystemTime(Date.parse('2026-07-01T10:00:00Z'));
    await tracer?.call(eventContext());
    expect(await readdir(directory)).toContain('2026-05-31.jsonl.gz');
    await close();
  });

  test('has the defaults that the conserver’s page shows', () => {
    expect(retentionTracer.options?.parse({ directory: 'x' })).toMatchObject({
      retention_days: 90,
      archive_after_days: 30,
    });
  });
});

describe('examples/run-tracer.ts', () => {
  const prepare = async () => {
    const heard: string[] = [];
    const bodies: unknown[] = [];
    const answer = { status: 200 };
    const server = await startServer((response, { headers, body }) => {
      if (answer.status === 200) heard.push(decodeURIComponent(String(headers['idempotency-key'])));
      bodies.push(JSON.parse(body));
      response.writeHead(answer.status).end();
    });
    return {
      heard,
      bodies,
      answer,
      options: { api_url: String(server.url), api_key: 'kanari-key' },
      close: () => server.close(),
    };
  };
  testAll(
    testTracer(runTracer, {
      prepare,
      outage: {
        begin: ({ answer }) => {
          answer.status = 503;
        },
        end: ({ answer }) => {
          answer.status = 200;
        },
      },
    }),
  );

  test('tells what became of the vCon, and answers whether it could', async () => {
    const { options, bodies, answer, close } = await prepare();
    const vcons = memoryVconStore();
    const { inVconUuid, outVconUuid, links } = linkContext();
    const made = runTracer.create(options, { name: 'mine', vcons });
    if (!('run' in made)) throw new Error('it has no run');
    const run = () => made.run?.(inVconUuid, outVconUuid, 'mine', links, 1, {}, linkContext());
    expect(await run()).toBe(false);
    await vcons.write(outVconUuid, '{"parties":[{},{}],"dialog":[{}]}');
    expect(await run()).toBe(true);
    expect(bodies).toEqual([{ tracerName: 'mine', step: 'analyze', outVconUuid, parties: 2, dialogs: 1 }]);
    answer.status = 400;
    expect(await run()).toBe(false);
    answer.status = 500;
    await expect(run()).rejects.toThrow('500');
    await close();
  });
});

describe('examples/caching-tracer.ts', () => {
  const prepare = async () => {
    const asked: string[] = [];
    const answer = { status: 200 };
    const server = await startServer((response, { path }) => {
      asked.push(String(path));
      response.writeHead(answer.status).end('voice');
    });
    return { asked, answer, options: { directory_url: String(server.url) }, close: () => server.close() };
  };
  testAll(testTracer(cachingTracer, { prepare }));

  test('asks once for all events of a chain, until the answer is old; what failed is asked again', async () => {
    const { asked, answer, options, close } = await prepare();
    vi.useFakeTimers({ toFake: ['Date'] });
    const tracer = bind(cachingTracer, { ...options, seconds: 60 }, 1_000);
    const both = () =>
      Promise.allSettled([tracer?.call(eventContext()), tracer?.call(eventContext({ phase: 'complete' }))]);
    await both();
    await both();
    expect(asked).toEqual(['/path/main']);
    expect(console.log).toHaveBeenCalledWith('chain_start', eventContext().outVconUuid, 'voice');
    vi.setSystemTime(Date.now() + 61_000);
    answer.status = 500;
    expect((await both()).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    answer.status = 200;
    expect((await both()).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(asked).toHaveLength(3);
    await close();
  });
});

describeWithRedis('examples/run-chain-redis.ts', () => {
  test('takes vCons off a list, through links and storages, and waits for its ledger', async () => {
    const redis = await sharedRedis();
    const { directory, close } = await prepareFolder();
    const store = redisVconStore({ url: redis.url });
    const documents = { good: { dialog: [{}] }, empty: { dialog: [] }, bad: { analysis: 'broken' } };
    for (const [uuid, document] of Object.entries(documents)) {
      await store.write(uuid, JSON.stringify({ uuid, ...document }));
      await store.push('default', uuid);
    }
    const run = async () => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--conditions=vcon-otel-source', join(root, 'examples/run-chain-redis.ts')],
        { env: { ...process.env, REDIS_URL: redis.url, LEDGER: join(directory, 'ledger') }, timeout: 60_000 },
      );
      return stdout.trimEnd().split('\n');
    };
    expect(await run()).toEqual(['good complete', 'empty halted', 'bad error, a dead letter']);
    expect(JSON.parse((await store.read('good')) ?? '')).toMatchObject({ tags: ['heard'] });
    const listed = async (name: string) => (await store.pop(name))?.uuid;
    expect([await listed('archived'), await listed('next'), await listed('DLQ:default')]).toEqual([
      ...['good', 'good', 'bad'],
    ]);
    const segments = join(directory, 'ledger', 'segments');
    const records = (await readFile(join(segments, (await readdir(segments))[0] ?? ''), 'utf8')).split('\n');
    expect(records.filter((line) => line.includes('"storage_error"'))).toHaveLength(1);
    // Fail-closed: while the ledger cannot be written, no chain goes on.
    await store.push('default', 'good');
    await rm(join(directory, 'ledger'), { recursive: true });
    await writeFile(join(directory, 'ledger'), 'in the way');
    await expect(run()).rejects.toThrow('FILE_UNUSABLE');
    expect(await listed('default')).toBe('good');
    await store.close();
    await close();
  });
});

describe('examples/environments.yaml', () => {
  const load = (env: Record<string, string>) => loadConfig(join(root, 'examples/environments.yaml'), env);

  test('is valid as it stands', async () => {
    const loaded = await load({});
    expect(loaded.config).toMatchObject({ service_name: 'conserver-development', log_level: 'info' });
    for (const tracer of tracersOf(loaded)) expect(await componentFaults(tracer)).toEqual([]);
    expect(tracersOf(loaded).map(({ name }) => name)).toEqual(['audit', 'db']);
  });

  test('is another one with other variables, and no secret is printed', async () => {
    const loaded = await load({
      ENVIRONMENT: 'production',
      DATA: '/var/lib/vcon-otel',
      SIEM_ENABLED: 'true',
      SIEM_KEY: 'kanari-key',
      AUDIT_DB: 'postgres://writer:kanari-password@db/audit',
    });
    expect(loaded.config.tracers).toMatchObject({
      audit: { options: { directory: '/var/lib/vcon-otel/ledger' } },
      siem: { options: { api_key: 'kanari-key' } },
    });
    for (const tracer of tracersOf(loaded)) expect(await componentFaults(tracer)).toEqual([]);
    expect(JSON.stringify(redactConfig(loaded))).not.toContain('kanari');
  });
});

test('examples/custom-exporter.ts writes a line for every span', async () => {
  const { directory, close } = await prepareFolder();
  const path = join(directory, 'spans.csv');
  const tracing = await startTracing({
    log_level: 'error',
    exporters: { csv: { module: customExporter, options: { path } } },
  });
  const links = ['tag', 'break'];
  const chain = traceChain({ name: 'main', links }, 'uuid', async (run) => {
    await run.link('tag', (uuid) => uuid);
    await run.link('break', () => Promise.reject(new RangeError('on purpose')));
  });
  await expect(chain).rejects.toThrow('on purpose');
  await tracing.shutdown();
  expect((await readFile(path, 'utf8')).trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^link\.tag,20\d\d-[^,]+Z,\d+(\.\d+)?,ok$/),
    expect.stringMatching(/^link\.break,[^,]+,[^,]+,failed$/),
    expect.stringMatching(/^vcon_processing\.main,[^,]+,[^,]+,failed$/),
  ]);
  await close();
});

test('examples/custom-exporter.ts is given again what it could not write', async () => {
  const { directory, close } = await prepareFolder();
  const path = join(directory, 'later', 'spans.csv');
  const { spans } = await customExporter.create(
    { path },
    { name: 'csv', metricExportIntervalMillis: undefined },
  );
  if (!spans) throw new Error('it offers no spans');
  const batches = batchSpans(spans, { scheduledDelayMillis: 1 });
  const provider = new TracerProvider({ spanProcessors: [batches] });
  provider.getTracer('test').startSpan('first').end();
  await vi.waitFor(() => expect(batches.counts.pending).toBe(1), PATIENCE);
  await mkdir(join(directory, 'later'));
  await vi.waitUntil(() => batches.counts.exported === 1, PATIENCE);
  expect(await readFile(path, 'utf8')).toMatch(/^first,/);
  await provider.shutdown();
  await close();
});

test('examples/custom-vcon-store.ts brings what its service keeps, and says whether that is there', async () => {
  const kept = new Map<string, string>();
  const server = await startServer((response, { method, path, headers, body }) => {
    const uuid = decodeURIComponent(path?.split('/').at(-1) ?? '');
    if (headers.authorization !== 'Bearer right') return void response.writeHead(401).end();
    if (method === 'PUT') kept.set(uuid, body);
    const text = kept.get(uuid);
    response.writeHead(text === undefined ? 404 : 200).end(text);
  });
  const url = String(server.url).replace(/\/$/, '');
  const host = { meterProvider: metrics.getMeterProvider() };
  const store = await customVconStore.create({ url, token: 'right' }, host);
  expect(await store.read('a b')).toBeUndefined();
  await store.write('a b', '{}');
  expect(await store.read('a b')).toBe('{}');
  const stranger = await customVconStore.create({ url, token: 'wrong' }, host);
  await expect(stranger.read('a b')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  const probe = (token: string) => customVconStore.probe?.({ url, token }, { name: 'store', timeout: 5_000 });
  const at = new URL(url).host;
  expect(await probe('right')).toEqual([{ state: 'ok', text: `${at} answers` }]);
  expect(await probe('wrong')).toMatchObject([{ state: 'fault', text: `${at} refuses the token` }]);
  await store.close();
  await server.close();
  expect(await probe('right')).toMatchObject([{ state: 'fault', text: `${at} does not answer` }]);
});

describe('the tests among the examples', () => {
  test.each(['counting-tracer.test.ts', 'fail-safe-tracer.test.ts', 'retention-tracer.test.ts'])(
    '%s passes',
    async (name) => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--conditions=vcon-otel-source', '--test', '--test-reporter=tap', join(root, 'examples', name)],
        // Else the test runner would take itself for one of its own.
        { env: { ...process.env, NODE_TEST_CONTEXT: undefined }, timeout: 60_000 },
      );
      expect(stdout).toMatch(/^# pass [1-9]/m);
      expect(stdout).toMatch(/^# fail 0$/m);
    },
  );
});

test('every snippet in docs/ is a file in examples/, to the letter', async () => {
  const docs = join(root, 'docs');
  const pages = (await readdir(docs, { recursive: true })).filter((name) => name.endsWith('.md'));
  const shown = new Set<string>();
  for (const page of pages) {
    const text = await readFile(join(docs, page), 'utf8');
    for (const [, file = '', code] of text.matchAll(/<!-- (\S+) -->\n```(?:ts|yaml)\n([\s\S]*?)```/g)) {
      expect(await readFile(join(root, file), 'utf8')).toBe(code);
      shown.add(file);
    }
  }
  expect([...shown].sort()).toEqual(
    [
      'async-tracer.ts',
      'batch-tracer.ts',
      'caching-tracer.ts',
      'counting-tracer.test.ts',
      'counting-tracer.ts',
      'custom-exporter.ts',
      'custom-tracer.ts',
      'custom-vcon-store.ts',
      'environments.yaml',
      'fail-safe-tracer.test.ts',
      'fail-safe-tracer.ts',
      'retention-tracer.test.ts',
      'retention-tracer.ts',
      'run-chain-redis.ts',
      'run-tracer.ts',
      'structured-tracer.ts',
      'verify-signature.ts',
    ].map((name) => `examples/${name}`),
  );
});

test('the table of the nine events in docs/custom-tracers.md says what each of them carries', async () => {
  const page = await readFile(join(root, 'docs/custom-tracers.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+_(?:start|complete|error))` \|[^|]*\|([^|]*)\|([^|]*)\|$/gm)];
  const told = Object.fromEntries(
    rows.map(([, event, carries = '', run = '']) => [
      event,
      {
        carries: ['link', 'linkIndex', 'storage', 'duration', 'outcome', 'errorType'].filter((key) =>
          carries.includes(`\`${key}\``),
        ),
        run: run.trim() !== '',
      },
    ]),
  );
  const heard: Record<string, { carries: string[]; run: boolean }> = {};
  const tracing = await startTracing({
    log_level: 'error',
    tracers: {
      mine: {
        module: {
          trace: (_uuid, event, _options, context) => {
            const keys = ['link', 'linkIndex', 'storage', 'duration', 'outcome', 'errorType'] as const;
            const carries = keys.filter((key) => context[key] !== undefined);
            heard[event] = { carries, run: heard[event]?.run ?? false };
          },
          run: (_in, _out, _name, _links, _index, _options, context) => {
            const event = `${context.stage}_${context.phase}`;
            heard[event] = { carries: heard[event]?.carries ?? [], run: true };
          },
        },
      },
    },
  });
  const fail = () => Promise.reject(new RangeError('on purpose'));
  const links = ['tag', 'break'];
  await traceChain({ name: 'main', links }, 'V', async (run) => {
    await run.link('tag', (uuid) => uuid);
    await run.storage({ name: 'good' }, () => {});
    await run.storage({ name: 'bad' }, fail);
  });
  await expect(traceChain({ name: 'main', links }, 'V', (run) => run.link('tag', fail))).rejects.toThrow();
  await tracing.shutdown();
  expect(told).toEqual(heard);
  expect(rows).toHaveLength(9);
});
