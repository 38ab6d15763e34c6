import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import { ANY_TIME } from '../support/any-time.ts';
import { conserverSpan, request } from '../support/otlp-request.ts';
import type { HeardCall } from './call-file-tracer.ts';
import { type Fault, type Injection, require, runFaults } from './fault.ts';
import { ReceivingService, type Request } from './receiving-service.ts';

/** More than a small process can hold, of everything that arrives, and a kill in the end. */
export const floods: Fault = {
  name: 'floods',
  title: 'more arrives than a small process can hold, of every kind, and it is killed',
  missing: () => (existsSync('/proc/self/stat') ? undefined : '/proc, which says how long a start takes'),
  inject: async (injection) => {
    const heaps = { full: [64, 256, 1_024], short: [64] }[injection.size];
    for (const heap of heaps)
      for (const [name, flood] of Object.entries(FLOODS)) await trial(injection, heap, name, flood);
  },
};

/** What arrives. */
interface Flood {
  /** How many requests of it, with so much memory (MB). */
  readonly requests: (heap: number) => number;
  /** What request of a number is. */
  make(number: number): Request;
  /** How many runs it begins, each of which has to be heard of if it is answered 200. */
  readonly runs: number;
  /** Whether starts are broken off before the one that goes on. */
  readonly interrupted?: boolean;
  /** How many times as much memory the process has to which it comes, before the one that goes on. Default 1. */
  readonly before?: number;
}

/** Of what is to arrive. */
const SHARES = { full: 1, short: 1 / 4 };
const AT_A_TIME = 8;
/** A clear answer for a body of which no run comes: it may be as large as the memory allows. */
const TOO_LARGE = 413;
/** Seconds that a start may take of a processor: others that are busy say nothing. */
const START = 10;

/** Milliseconds after which a start is broken off, and how: before the log is read, and in the middle of it. */
const INTERRUPTIONS = [
  [200, 'SIGTERM'],
  [2_500, 'SIGTERM'],
  [4_000, 'SIGKILL'],
  [6_000, 'SIGINT'],
] as const;

const FLOODS: Readonly<Record<string, Flood>> = {
  'open runs': {
    requests: (heap) => 2 * heap,
    runs: 100,
    make: (n) => records(n, 100, ['a', 'b', 'c']),
    interrupted: true,
  },
  'open runs of a larger process': {
    requests: (heap) => 8 * heap,
    runs: 100,
    make: (n) => records(n, 100, ['a', 'b', 'c']),
    before: 4,
  },
  'long links': { requests: (heap) => heap / 2, runs: 50, make: (n) => records(n, 50, longLinks(n)) },
  'late links': {
    // Of each come 2,000 events.
    requests: (heap) => heap / 16,
    runs: 20,
    make: (n) => records(n, 20, MANY_LINKS, { index: MANY_LINKS.length - 1 }),
  },
  'numbers left out': {
    requests: (heap) => heap / 8,
    runs: 100,
    make: (n) => records(n, 100, ['a'], {}, (i) => [`w${n}-${i >> 1}`, 99_000 * (i % 2)]),
  },
  spans: { requests: (heap) => 2 * heap, runs: 100, make: (n) => spans(n, 100, () => ({})) },
  'chain names': {
    requests: (heap) => 4 * heap,
    runs: 250,
    make: (n) => spans(n, 250, (i) => ({ chain_name: `chain ${n} ${i}` })),
  },
  'huge attributes': {
    requests: (heap) => 4 * heap,
    // Half a megabyte: the smallest heap takes a body of one.
    runs: 1,
    make: (n) => spans(n, 1, () => ({ note: `${n} `.repeat(200_000) })),
  },
  'large bodies of a larger process': {
    requests: (heap) => heap / 8,
    // 15 MiB, of which the smaller process would take none.
    runs: 240,
    make: (n) => spans(n, 240, (i) => ({ note: `${n} ${i} `.padEnd(65_536, 'x') })),
    before: 16,
  },
  'large JSON': { requests: (heap) => Math.ceil(heap / 8), runs: 0, make: () => json(LARGE_JSON) },
  'small gzip': {
    requests: (heap) => Math.ceil(heap / 4),
    runs: 0,
    make: () => ({ ...json(GZIP), encoding: 'gzip' }),
  },
};

async function trial(
  { folder, say, size }: Injection,
  heap: number,
  name: string,
  { requests, make, runs, before = 1, interrupted = false }: Flood,
): Promise<void> {
  const at = join(folder, `${name} ${heap}`.replaceAll(' ', '-'));
  const node = (megabytes: number) => [`--max-old-space-size=${megabytes}`];
  const config = (timeout: string) => ({
    receivers: { assembler: { settle: '1s', timeout, ...ANY_TIME } },
    // It would hear of them for hours.
    tracers: { slow: undefined },
  });
  const service = new ReceivingService(at, config('1h'), node(before * heap));
  await service.start();
  const count = Math.ceil(requests(heap) * SHARES[size]);
  let next = 0;
  const began = performance.now();
  const lane = async () => {
    for (let n = next++; n < count; n = next++) await service.post(make(n), runs > 0 ? 200 : TOO_LARGE);
  };
  await Promise.race([Promise.all(Array.from({ length: AT_A_TIME }, lane)), service.dies()]);
  const flooded = (performance.now() - began) / 1e3;
  const { peakMemory, refused } = service;
  await service.kill();
  // What is open now is over soon.
  const again = new ReceivingService(at, config('1s'), node(heap));
  if (interrupted) for (const [after, signal] of INTERRUPTIONS) await again.interrupt(after, signal);
  const restarted = performance.now();
  await again.start().catch((error: unknown) => require(false, () => `${name}: it did not start: ${error}`));
  const started = again.processorTime;
  const waited = (performance.now() - restarted) / 1e3;
  const { receivers } = await again.quiet();
  const peak = again.peakMemory;
  await again.stop();
  const heard = await runsIn(again.calls('quick'));
  say(
    `${heap} MB, ${name}: ${count} requests in ${flooded.toFixed(1)} s, ${refused} answered 503; at most ${peakMemory} MB; started again in ${waited.toFixed(1)} s, with ${started.toFixed(1)} s of a processor and at most ${peak} MB; ${heard} of ${count * runs} runs heard; ${JSON.stringify(receivers.issues)}`,
  );
  require(heard === count * runs, () => `${name}: ${count * runs - heard} runs were not heard`);
  require(size === 'short' || started <= START, () =>
    `${name}: the start took ${started.toFixed(1)} s of a processor`);
}

/** How many runs a tracer has heard of. @param file of its calls, more than one text can hold */
async function runsIn(file: string): Promise<number> {
  const runs = new Set<string>();
  for await (const line of createInterface({ input: createReadStream(file) }))
    runs.add((JSON.parse(line) as HeardCall).runId);
  return runs.size;
}

/** Records of runs that begin. */
function records(
  n: number,
  count: number,
  links: readonly string[],
  more: object = {},
  numbered: (i: number) => readonly [host: string, seq: number] = (i) => ['worker', n * count + i],
): Request {
  const all = Array.from({ length: count }, (_, i) => {
    const [host, seq] = numbered(i);
    return {
      ...{ v: 1, kind: 'run', tracer: 'forward', in: uuid(n, i), out: uuid(n, i), links, index: -1 },
      ...{ ts: `${1_795_000_000n * 1_000_000_000n + BigInt(n * count + i)}`, seq },
      ...{ chain: 'main', worker: { host, pid: 1 + (n % 8) }, ...more },
    };
  });
  return json(JSON.stringify(all), '/v1/bridge');
}

/** Link spans of runs that go on. */
function spans(n: number, count: number, more: (i: number) => Readonly<Record<string, unknown>>): Request {
  const all = Array.from({ length: count }, (_, i) => {
    const id = (kind: number) => `${kind}${hex(n, 7)}${hex(i, 8)}`;
    const ids = { traceId: id(1) + id(1), spanId: id(2), parentSpanId: id(3) };
    return conserverSpan('link.a', { vcon_id: uuid(n, i), link_index: 0, ...more(i) }, ids);
  });
  return { path: '/v1/traces', type: 'application/x-protobuf', body: request(all).protobuf };
}

function json(body: Buffer | string, path: Request['path'] = '/v1/traces'): Request {
  return { path, type: 'application/json', body };
}

function uuid(n: number, i: number): string {
  return `0190bbbb-${hex(n >> 16, 4)}-8000-8000-${hex(n & 0xffff, 4)}${hex(i, 8)}`;
}

function hex(value: number, length: number): string {
  return value.toString(16).padStart(length, '0');
}

/** As many as they may be. */
const MANY_LINKS = Array.from({ length: 1_000 }, (_, i) => `l${i}`);

/** As long as they may be. */
function longLinks(n: number): string[] {
  return Array.from({ length: 32 }, (_, i) => `${n}-${i}-`.padEnd(250, 'x'));
}

/** Many small values, of nobody's. */
const LARGE_JSON = Buffer.from(
  JSON.stringify({ resourceSpans: Array.from({ length: 400_000 }, () => ({ a: [{}] })) }),
);
/** Nothing, for 16 MiB. */
const GZIP = gzipSync(Buffer.from(`{"a":"${' '.repeat(15 * 1024 * 1024)}"}`));

if (import.meta.main) await runFaults([floods]);
