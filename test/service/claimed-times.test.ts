import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { type ConfigInput, startTracing } from '../../src/index.ts';
import { jsonLines } from '../cli/command-line.ts';
import { runInProcess } from '../cli/in-process.ts';
import { chainSpan, linkSpan, type Request, record } from '../fixtures/0.1/conserver.ts';
import { describeWithRedis, sharedRedis } from '../redis-server.ts';
import { eventually } from '../support/eventually.ts';
import { FactWorker } from '../support/fact-worker.ts';
import { recordingTracer } from '../support/recording-tracer.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

// Times that cannot be are neither signed nor drawn: those of the receipt are, before and after a restart.

const CHAINS = { main: { links: ['a', 'b'] } };
const DAY = 86_400_000;
/** Twenty digits of nanoseconds say no later time, and the 64 bits of OTLP none after 2554. */
const CLAIMS = { 'of 1970': 1_000, 'of 5138': 99_999_999_990_000 };
const LAST_OF_OTLP = 18_446_744_073_000;
const VCON = (number: number) => `018f0000-0000-8000-8000-${String(number).padStart(12, '0')}`;
let runs = 0;

const aPassage = (at: number) => {
  runs += 1;
  return { number: runs, chain: 'main', links: ['a', 'b'], vcon: VCON(runs), at };
};

/** A run as a process inside the server tells it, whose clock stands at another time. */
function factsAt(at: number): Request {
  runs += 1;
  const worker = new FactWorker(runs);
  const texts = [
    worker.attach(),
    ...worker.run(1, { name: 'main', links: ['a', 'b'], storages: [] }, VCON(runs)),
  ];
  const facts = texts.map((text) => {
    const fact = JSON.parse(text) as Record<string, unknown>;
    for (const name of ['ts', 'start', 'end']) if (name in fact) fact[name] = String(BigInt(at) * 1_000_000n);
    return fact;
  });
  return { path: '/v1/bridge', body: facts };
}

const WAYS: Readonly<Record<string, (at: number) => readonly Request[]>> = {
  'spans by OTLP': (at) => {
    const passage = aPassage(Math.min(at, LAST_OF_OTLP));
    return [linkSpan(passage, 0), linkSpan(passage, 1), chainSpan(passage)];
  },
  'records and spans over HTTP': (at) => {
    const passage = aPassage(at);
    const heard = { ...passage, at: Math.min(at, LAST_OF_OTLP) };
    return [
      record(passage, -1),
      record(passage, 0),
      linkSpan(heard, 0),
      record(passage, 1),
      chainSpan(heard),
    ];
  },
  'facts over HTTP': (at) => [factsAt(at)],
};

async function start(config: ConfigInput) {
  const tracing = await startTracing({ log_level: 'error', chains: CHAINS, ...config });
  onTestFinished(() => tracing.shutdown());
  return {
    tracing,
    async post({ path, body }: Request) {
      const headers = { 'content-type': 'application/json' };
      const sent = { method: 'POST', headers, body: JSON.stringify(body) };
      return (await fetch(`${tracing.receiverUrl}${path}`, sent)).status;
    },
    settled: () =>
      eventually('every run is over and told', () => {
        const { receivers, tracers } = tracing.stats();
        const isTold = Object.values(tracers).every(({ pending }) => pending === 0);
        return (receivers?.openRuns === 0 && isTold) || undefined;
      }),
  };
}

test.each(
  Object.entries(WAYS).flatMap(([way, requests]) =>
    Object.entries(CLAIMS).map(([claim, at]) => ({ way, claim, requests: () => requests(at) })),
  ),
)('$way, $claim: ledger and timeline have when they came, after a restart as well', async ({ requests }) => {
  const folder = temporaryFolder();
  const ledger = join(folder, 'ledger');
  const journal = join(folder, 'journal.db');
  const config: ConfigInput = {
    tracers: { compliance: { module: 'tracers.compliance', options: { directory: ledger } } },
    journal: { type: 'sqlite', path: journal },
    receivers: { http: { port: 0 }, assembler: { settle: '1s' } },
  };
  const from = Date.now();
  const before = await start(config);
  for (const request of requests()) expect(await before.post(request)).toBe(200);
  const to = Date.now();
  expect(before.tracing.stats().receivers?.issues.wrong_time).toBeGreaterThan(0);
  await before.tracing.shutdown();
  const after = await start(config);
  await after.settled();
  await after.tracing.shutdown();

  const records = await recordsOf(ledger);
  expect(records.map(({ event }) => event)).toContain('chain_complete');
  for (const { timestamp, inferred, event } of records) {
    const time = Date.parse(String(timestamp));
    expect(time).toBeGreaterThanOrEqual(from);
    expect(time).toBeLessThanOrEqual(to);
    expect(inferred, String(event)).toContain('time');
  }
  const { stdout } = await runInProcess(['timeline', '--journal', journal, '--format', 'json']);
  const drawn = JSON.parse(stdout) as {
    runs: { start: string; duration: number; steps: { duration: number }[] }[];
  };
  expect(drawn.runs).toHaveLength(1);
  for (const { start: begun, duration, steps } of drawn.runs) {
    expect(Date.parse(begun)).toBeGreaterThanOrEqual(from);
    expect(Date.parse(begun)).toBeLessThanOrEqual(to);
    expect(Math.min(duration, ...steps.map((step) => step.duration))).toBeGreaterThanOrEqual(0);
  }
});

describeWithRedis('a stream that nobody has read for two months', () => {
  test('what is of then is believed, and what cannot be is of when Redis took it', async () => {
    const server = await sharedRedis();
    const redis = new Redis(server.url);
    onTestFinished(() => redis.disconnect());
    const then = Date.now() - 60 * DAY;
    const write = (at: number, claimed: number) => {
      const passage = aPassage(claimed);
      const records = [-1, 0, 1].map((index) => record(passage, index).body);
      return Promise.all(
        records.map((one, index) =>
          redis.xadd('vcon-otel:events', `${at + index}-0`, 'record', JSON.stringify(one)),
        ),
      );
    };
    await write(then, then);
    await write(then + DAY, CLAIMS['of 1970']);
    await write(then + 2 * DAY, CLAIMS['of 5138']);
    const { calls, tracer } = recordingTracer();
    const { tracing, settled } = await start({
      tracers: { mine: { module: tracer } },
      receivers: { redis_stream: { url: server.url }, assembler: { settle: '100ms', timeout: '1s' } },
    });
    await eventually('all is read', () => tracing.stats().receivers?.records.accepted === 9 || undefined);
    await settled();
    expect(tracing.stats().receivers?.issues.wrong_time).toBe(6);
    const days = new Set(calls.map(({ context }) => Math.floor((context.time - then) / DAY)));
    expect([...days].sort()).toEqual([0, 1, 2]);
  });

  test('nothing was received later than now, whatever the id of an entry says', async () => {
    const server = await sharedRedis();
    const redis = new Redis(server.url);
    onTestFinished(() => redis.disconnect());
    const passage = aPassage(CLAIMS['of 5138']);
    const text = JSON.stringify(record(passage, -1).body);
    await redis.xadd('vcon-otel:events', `${CLAIMS['of 5138']}-0`, 'record', text);
    const { calls, tracer } = recordingTracer();
    await start({ tracers: { mine: { module: tracer } }, receivers: { redis_stream: { url: server.url } } });
    await eventually('it is told', () => calls.length > 0 || undefined);
    for (const { context } of calls) expect(context.time).toBeLessThanOrEqual(Date.now());
  });
});

async function recordsOf(ledger: string): Promise<Record<string, unknown>[]> {
  const folder = join(ledger, 'segments');
  const texts = await Promise.all(
    (await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')),
  );
  return texts.flatMap(jsonLines);
}
