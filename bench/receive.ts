/**
 * How fast what a Python conserver sends is received, kept and heard: the real `vcon-otel serve` on a core of its own, with
 * three tracers that do nothing and its journal on the disk, fed from another core. First as fast as it takes spans, beside
 * a server that only unpacks the same bodies, and facts; then facts at the pace of a busy conserver; then where the time goes.
 */
import { loadavg } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { type Compression, findCollector, startCollector } from './collector.ts';
import {
  bodiesOf,
  CALLS_PER_RUN,
  FACTS_PER_RUN,
  mixedSpans,
  SPANS_PER_REQUEST,
  SPANS_PER_RUN,
} from './conserver-load.ts';
import type { Heard } from './counting-tracer.ts';
import { describeDisk, ownFolder } from './disk.ts';
import { FactFeed, Poster, play } from './feed.ts';
import { grouped, median, printTable, quantile, SHORT, spread } from './measure.ts';
import { shareCores } from './own-core.ts';
import { readShares } from './profile.ts';
import { hasRedis, startRedis } from './redis.ts';
import { type Service, startService, startUnpacker } from './served.ts';

const ROUNDS = SHORT ? 1 : 3;
const RUNS = SHORT ? 64 : 4_000;
const WARM_UP_RUNS = SHORT ? 16 : 2_500;
const TRACERS = 3;
/** Spans of Redis clients for each of the conserver's, as a server with its instrumentation sends them. */
const OTHERS = 3;
const RUNS_PER_SECOND = 278;
/** Of each round, and before the first. */
const SECONDS = SHORT ? 3 : 20;
/** Milliseconds between two looks at what was heard. */
const LOOK = 20;
/** Milliseconds after which it is not to be expected any more. */
const PATIENCE = SHORT ? 20_000 : 120_000;
/** Milliseconds after which a run is over: at a pace longer than spans wait for their request to be full. */
const SETTLE = 1_000;
const SETTLE_AT_ONCE = SHORT ? 100 : SETTLE;

/** How fast something went, and microseconds of processor time for each span or fact. */
interface Speed {
  readonly taken: number;
  readonly heard: number;
  readonly cpu: number;
}

/** Processor time of something, by thread, and how often that was done. */
interface Spent {
  threads: ReadonlyMap<string, number>;
  count: number;
}

/** Threads as Linux calls them. */
const MAIN = 'MainThread';
const THREADS = {
  'vcon-otel journ': "the journal's writer: SQLite and the disk",
  V8Worker: 'collecting garbage, compiling',
  'libuv-worker': 'unpacking',
};

const cores = shareCores();
const on = cores ?? [];
const redis = hasRedis() ? await startRedis(ownFolder(), 'everysec') : undefined;
const redisUrl = redis && `redis://127.0.0.1:${redis.port}`;

console.log(`\n${describeDisk()}`);
if (!cores) console.log('the processes share all cores: they cannot be put on cores of their own here');
await reportRates();
if (redisUrl !== undefined) await reportPace(redisUrl);
await reportShares();
await redis?.stop();

async function reportRates(): Promise<void> {
  const UNPACKED = 'unpacked and dropped';
  const collector = await findCollector();
  const collectors = (name: string, others: number): (readonly [string, () => Promise<Speed>])[] =>
    'path' in collector
      ? [
          [`${name}, the Collector`, () => collect(others, 'gzip')],
          [`${name}, the Collector, nothing packed`, () => collect(others, 'none')],
        ]
      : [];
  const MIXED = `spans, 1 of ${OTHERS + 1} the conserver's`;
  const variants = new Map<string, () => Promise<Speed>>([
    [`spans, ${UNPACKED}`, () => unpack(0)],
    ...collectors('spans', 0),
    ['spans', () => receiveSpans(0)],
    [`${MIXED}, ${UNPACKED}`, () => unpack(OTHERS)],
    ...collectors(MIXED, OTHERS),
    [MIXED, () => receiveSpans(OTHERS)],
    ...(redisUrl === undefined
      ? []
      : ([['facts off a Redis stream', () => receiveFacts(redisUrl)]] as const)),
  ]);
  const measured = new Map([...variants.keys()].map((name) => [name, [] as Speed[]]));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [name, measure] of variants) measured.get(name)?.push(await measure());
  const of = (name: string, which: keyof Speed) => (measured.get(name) ?? []).map((speed) => speed[which]);
  printTable(
    `What arrives, ${SPANS_PER_REQUEST} spans a request, ${TRACERS} tracers (${ROUNDS} rounds in turn)`,
    [
      ['', 'kept/s', 'heard/s', 'spread', 'CPU µs each', "of the Collector's"],
      ...[...measured.keys()].map((name) => {
        const base = of(`${name}, the Collector`, 'cpu');
        return [
          name,
          grouped(median(of(name, 'taken'))),
          name.endsWith(UNPACKED) ? '' : grouped(median(of(name, 'heard'))),
          `${spread(of(name, 'taken')).toFixed(0)} %`,
          median(of(name, 'cpu')).toFixed(1),
          base.length > 0 ? `${(median(of(name, 'cpu')) / median(base)).toFixed(2)} ×` : '',
        ];
      }),
    ],
  );
  console.log(
    `  the Collector: ${'path' in collector ? collector.about : `not here; node bench/collector.ts builds it with Go`}`,
  );
  if (redisUrl === undefined) console.log('  without facts off a stream: there is no redis-server here');
}

/** @returns for `heard`, how fast its exporters have sent everything */
async function collect(others: number, compression: Compression): Promise<Speed> {
  const collector = await startCollector(on, compression);
  await collector.send(bodiesOf(mixedSpans(WARM_UP_RUNS, 0), others));
  const { taken, all, cpu } = await collector.send(bodiesOf(mixedSpans(RUNS, WARM_UP_RUNS), others));
  await collector.stop();
  const spans = RUNS * SPANS_PER_RUN * (1 + others);
  return { taken: spans / (taken / 1e3), heard: spans / (all / 1e3), cpu: cpu / spans };
}

async function unpack(others: number): Promise<Speed> {
  const server = await startUnpacker(on);
  const poster = new Poster(server.url);
  await poster.all(bodiesOf(mixedSpans(WARM_UP_RUNS, 0), others));
  const bodies = bodiesOf(mixedSpans(RUNS, WARM_UP_RUNS), others);
  const { cpu } = await server.ask();
  const began = performance.now();
  await poster.all(bodies);
  const seconds = (performance.now() - began) / 1e3;
  const spans = RUNS * SPANS_PER_RUN * (1 + others);
  const spent = (await server.ask()).cpu - cpu;
  await poster.close();
  await server.stop();
  return { taken: spans / seconds, heard: 0, cpu: spent / spans };
}

/** @param spent is told what was spent on each of the spans */
async function receiveSpans(others: number, flags: readonly string[] = [], spent?: Spent): Promise<Speed> {
  const service = await startService({ on, settle: SETTLE_AT_ONCE, flags });
  const poster = new Poster(service.url);
  const speed = await rate(
    service,
    SPANS_PER_RUN * (1 + others),
    (runs, first) => {
      const bodies = bodiesOf(mixedSpans(runs, first), others);
      return () => poster.all(bodies);
    },
    spent,
  );
  await poster.close();
  await service.stop();
  if (poster.turnedAway > 0) console.log(`  ${poster.turnedAway} requests were turned away for a while`);
  return speed;
}

async function receiveFacts(url: string): Promise<Speed> {
  const service = await startService({ on, settle: SETTLE_AT_ONCE, redisUrl: url });
  const feed = new FactFeed(url);
  await feed.begin();
  const speed = await rate(service, FACTS_PER_RUN, (runs) => {
    const facts = Array.from({ length: runs }, () => [...feed.run()]).flat();
    return async () => {
      await feed.add(facts);
      await feed.acknowledged();
    };
  });
  feed.close();
  await service.stop();
  return speed;
}

/** @param prepare makes what is to be sent, and what sends it and resolves when it is kept */
async function rate(
  service: Service,
  perRun: number,
  prepare: (runs: number, first: number) => () => Promise<void>,
  spent?: Spent,
): Promise<Speed> {
  await prepare(WARM_UP_RUNS, 0)();
  const before = await heard(service, WARM_UP_RUNS * CALLS_PER_RUN);
  const send = prepare(RUNS, WARM_UP_RUNS);
  const threads = service.threads();
  const began = performance.now();
  await send();
  const taken = performance.now() - began;
  const { cpu } = await heard(service, (WARM_UP_RUNS + RUNS) * CALLS_PER_RUN);
  const all = performance.now() - began;
  await requireNothingWrong(service);
  const count = RUNS * perRun;
  if (spent) {
    spent.count = count;
    spent.threads = new Map(
      [...service.threads()].map(([name, us]) => [name, us - (threads.get(name) ?? 0)]),
    );
  }
  return { taken: count / (taken / 1e3), heard: count / (all / 1e3), cpu: (cpu - before.cpu) / count };
}

async function reportPace(url: string): Promise<void> {
  const service = await startService({ on, settle: SETTLE, redisUrl: url });
  const feed = new FactFeed(url);
  await feed.begin();
  // At first nothing is compiled.
  let runs = await play(RUNS_PER_SECOND, SECONDS, feed, async () => undefined);
  const rows: string[][] = [];
  const rss: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const looks = [await heard(service, runs * CALLS_PER_RUN)];
    const began = performance.now();
    runs += await play(RUNS_PER_SECOND, SECONDS, feed, async (share) => {
      if (share * 10 >= looks.length) looks.push(await service.ask());
    });
    await heard(service, runs * CALLS_PER_RUN, (look) => looks.push(look));
    const seconds = (performance.now() - began) / 1e3;
    const late = looks.slice(1).flatMap(({ latencies }) => latencies);
    const [first, last] = [looks[0], looks.at(-1)];
    const during = (which: 'cpu' | 'held') => (last?.[which] ?? 0) - (first?.[which] ?? 0);
    rss.push(last?.rss ?? 0);
    rows.push([
      `round ${round + 1}`,
      ...[0.5, 0.99, 1].map((share) => ms(quantile(late, share))),
      ms(Math.max(...looks.slice(1).map(({ loop }) => loop.max))),
      percent(during('cpu') / 1e6 / seconds),
      percent(during('held') / 1e3 / seconds),
      loadavg()[0]?.toFixed(1) ?? '',
    ]);
  }
  await requireNothingWrong(service);
  feed.close();
  await service.stop();
  printTable(`${RUNS_PER_SECOND} runs a second for ${SECONDS} s: from a deciding fact to run()`, [
    ['', 'p50', 'p99', 'longest', 'loop late', 'of a core', 'could not have it', 'load'],
    ...rows,
  ]);
  console.log(`  RSS in MB after each round: ${rss.map((bytes) => (bytes / 2 ** 20).toFixed(0)).join(' ')}`);
}

async function reportShares(): Promise<void> {
  const spent: Spent = { threads: new Map(), count: 1 };
  await receiveSpans(0, [], spent);
  const folder = ownFolder();
  await receiveSpans(0, ['--cpu-prof', `--cpu-prof-dir=${folder}`]);
  const each = (thread: string) => (spent.threads.get(thread) ?? 0) / spent.count;
  const rows = [...readShares(folder)].map(([part, share]) => [
    `  ${part}`,
    percent(share),
    micro(share * each(MAIN)),
  ]);
  printTable("Where the time goes: processor time for each span, the conserver's only", [
    ['', 'of the main thread', 'µs each'],
    ['main thread', '', micro(each(MAIN))],
    ...rows,
    ...Object.entries(THREADS).map(([thread, what]) => [what, '', micro(each(thread))]),
  ]);
  if (spent.threads.size === 0) console.log('  without µs: this system does not tell the time of a thread');
}

/** @param saw is told what the service said meanwhile, and in the end */
async function heard(
  service: Service,
  calls: number,
  saw: (look: Heard) => void = () => undefined,
): Promise<Heard> {
  const due = calls * TRACERS;
  for (const until = performance.now() + PATIENCE; performance.now() < until; await wait(LOOK)) {
    const told = await service.ask();
    saw(told);
    if (told.calls >= due) return told;
  }
  throw new Error(`${due} calls were due: ${JSON.stringify(await service.readyz())}`);
}

/** What is fast because it is not there would prove nothing. */
async function requireNothingWrong(service: Service): Promise<void> {
  const { tracers, issues, receivers } = await service.readyz();
  const isWrong =
    Object.values(tracers).some(({ dropped, dead }) => dropped + dead > 0) ||
    Object.keys({ ...issues, ...receivers.issues }).length > 0;
  if (isWrong) throw new Error(`something went wrong: ${JSON.stringify({ tracers, issues, receivers })}`);
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

function micro(value: number): string {
  return value.toFixed(1);
}
