import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import asyncTracer from '../examples/async-tracer.ts';
import countingTracer from '../examples/counting-tracer.ts';
import customTracer from '../examples/custom-tracer.ts';
import failSafeTracer from '../examples/fail-safe-tracer.ts';
import retentionTracer from '../examples/retention-tracer.ts';
import structuredTracer from '../examples/structured-tracer.ts';
import { bind } from '../src/testing/direct-calls.ts';
import { type TracerCheck, testTracer } from '../src/testing/index.ts';
import { startServer } from './outgoing/misbehaving-server.ts';
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
  test('keeps a file for each day, and none that is too old', async () => {
    const { directory, close } = await prepareFolder();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-03-31T10:00:00Z') });
    for (const name of ['2026-02-28.jsonl', '2026-03-01.jsonl', 'notes.txt'])
      await writeFile(join(directory, name), '');
    const tracer = bind(retentionTracer, { directory, keep_days: 30 }, 1_000);
    await tracer?.call(eventContext());
    expect((await readdir(directory)).sort()).toEqual(['2026-03-01.jsonl', 'notes.txt']);
    expect(await lines(join(directory, '2026-03-01.jsonl'))).toMatchObject([{ event: 'chain_start' }]);
    vi.setSystemTime(Date.parse('2026-04-01T10:00:00Z'));
    await tracer?.call(eventContext({ time: Date.now() }));
    expect((await readdir(directory)).sort()).toEqual(['2026-04-01.jsonl', 'notes.txt']);
    await close();
  });
});

describe('the tests among the examples', () => {
  test.each(['counting-tracer.test.ts', 'retention-tracer.test.ts'])('%s passes', async (name) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=vcon-otel-source', '--test', '--test-reporter=tap', join(root, 'examples', name)],
      // Else the test runner would take itself for one of its own.
      { env: { ...process.env, NODE_TEST_CONTEXT: undefined }, timeout: 60_000 },
    );
    expect(stdout).toMatch(/^# pass [1-9]/m);
    expect(stdout).toMatch(/^# fail 0$/m);
  });
});

test('every snippet in docs/ is a file in examples/, to the letter', async () => {
  const docs = join(root, 'docs');
  const pages = (await readdir(docs, { recursive: true })).filter((name) => name.endsWith('.md'));
  const shown = new Set<string>();
  for (const page of pages) {
    const text = await readFile(join(docs, page), 'utf8');
    for (const [, file = '', code] of text.matchAll(/<!-- (\S+) -->\n```ts\n([\s\S]*?)```/g)) {
      expect(await readFile(join(root, file), 'utf8')).toBe(code);
      shown.add(file);
    }
  }
  expect([...shown].sort()).toEqual(
    [
      'async-tracer.ts',
      'counting-tracer.test.ts',
      'counting-tracer.ts',
      'custom-tracer.ts',
      'fail-safe-tracer.ts',
      'retention-tracer.test.ts',
      'retention-tracer.ts',
      'structured-tracer.ts',
      'verify-signature.ts',
    ].map((name) => `examples/${name}`),
  );
});
