import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import type { HeardCall } from '../faults/call-file-tracer.ts';
import { ReceivingService } from '../faults/receiving-service.ts';
import { describeWithRedis, type RedisServer, startRedisServer } from '../redis-server.ts';
import { eventually } from '../support/eventually.ts';
import { FactWorker } from '../support/fact-worker.ts';

const STREAM = 'vcon-otel:events';
const GROUP = 'vcon-otel';
const CHAIN = { name: 'main', links: ['transcribe', 'analyze', 'tag'], storages: ['postgres'] };
const RUNS = 82;
const THREADS = 4;

/** What happens to the adapter that reads, while runs are under way. */
interface Fault {
  strike(first: ReceivingService, stand: Stand): Promise<void>;
  /** Whether what was under way to its journal may be told by both, each under the same ids. */
  readonly mayRepeat: boolean;
  readonly readsOn: 'first' | 'second';
}

const FAULTS: Readonly<Record<string, Fault>> = {
  'is killed with -9': { strike: (first) => first.kill(), mayRepeat: true, readsOn: 'second' },
  'is stopped in its tracks, and goes on later': {
    strike: async (first) => first.signal('SIGSTOP'),
    mayRepeat: true,
    readsOn: 'second',
  },
  'ends in order': { strike: (first) => first.stop(), mayRepeat: false, readsOn: 'second' },
  'loses its Redis for a moment': {
    strike: (_, stand) => stand.restartRedis(),
    mayRepeat: false,
    readsOn: 'first',
  },
};

describeWithRedis('two adapters on one stream, of which the one that reads', () => {
  test.each(Object.entries(FAULTS))('%s: no run is torn, and none told twice', async (name, fault) => {
    await using stand = await Stand.start();
    const { first, second } = stand;
    await first.start();
    await eventually('the first one reads', async () => (await stand.isReady(first)) || undefined);
    await second.start();
    const refused = await eventually('the second one is refused', async () => {
      const { status, receivers, troubles } = await second.readyz();
      const { redis_stream: stream } = receivers;
      return stream?.error_type === 'STREAM_IN_USE' ? { status, stream, troubles } : undefined;
    });
    expect(refused).toMatchObject({
      status: 'not ready',
      stream: { error_type: 'STREAM_IN_USE', holder: { pid: first.pids[0] } },
      troubles: expect.arrayContaining([expect.stringContaining('STREAM_IN_USE')]),
    });

    const traffic = stand.traffic();
    await traffic.until(RUNS / 3);
    const began = performance.now();
    await fault.strike(first, stand);
    const inFlight = await stand.pending();
    await traffic.until((2 * RUNS) / 3);
    if (fault.readsOn === 'second') {
      await eventually('the second one reads', async () => (await stand.isReady(second)) || undefined);
      console.log(`${name}: taken over after ${((performance.now() - began) / 1e3).toFixed(1)} s`);
      if (name.includes('stopped')) first.signal('SIGCONT');
      else await first.start();
      await eventually('the first one is refused', async () => {
        return (await first.readyz()).receivers.redis_stream?.error_type === 'STREAM_IN_USE' || undefined;
      });
    }
    await traffic.until(RUNS);
    await stand.isRead();
    const reader = fault.readsOn === 'first' ? first : second;
    await Promise.all([reader.quiet(), eventually('nothing is open', () => stand.nothingOpen())]);
    await Promise.all([first.stop(), second.stop()]);

    const [one, other] = [eventsOf(first), eventsOf(second)];
    const both = new Set([...one.keys()].filter((run) => other.has(run)));
    const whole = [...one.values(), ...other.values()].filter((events) =>
      events.has('chain/complete'),
    ).length;
    console.log(
      `${name}: ${JSON.stringify({ first: one.size, second: other.size, both: both.size, whole, inFlight })}`,
    );
    if (!fault.mayRepeat || inFlight === 0) expect([...both]).toEqual([]);
    // Those that were open, and those of entries that were told and not yet acknowledged: many where the first one was late.
    expect(both.size).toBeLessThanOrEqual(THREADS + inFlight);
    // What both tell of a run is the same, and one of them tells all of it.
    for (const run of both) {
      const [early, late] = [one.get(run), other.get(run)];
      for (const [event, short] of early ?? [])
        if (!event.endsWith('/lost')) expect(late?.get(event)).toBe(short);
    }
    const runs = new Set([...one.keys(), ...other.keys()]);
    // Of which the first one kept nothing but the start, the id is not that of its span.
    const bare = [...one.values()].filter((events) => events.size === 2 && events.has('chain/lost'));
    const twins = fault.mayRepeat && inFlight > 0 ? bare.length : 0;
    expect(runs.size).toBeGreaterThanOrEqual(RUNS);
    expect(runs.size).toBeLessThanOrEqual(RUNS + twins);
    for (const run of runs) {
      const told = both.has(run) ? other.get(run) : (one.get(run) ?? other.get(run));
      const isCut = told?.has('chain/lost');
      expect(isCut || told?.size === 2 * (1 + CHAIN.links.length + CHAIN.storages.length)).toBe(true);
      if (isCut) expect(other.has(run)).toBe(false);
    }
    const cut = [...one.values()].filter((events) => events.has('chain/lost')).length;
    expect(cut).toBeLessThanOrEqual(fault.readsOn === 'first' ? 0 : THREADS);
  });
});

/** What a tracer heard, by run: the words of each event. @throws where it heard one twice without having been killed */
function eventsOf(service: ReceivingService): Map<string, Map<string, string>> {
  const runs = new Map<string, Map<string, string>>();
  const calls = readFileSync(service.calls('quick'), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const heard = new Map<string, number>();
  for (const line of calls) {
    const { pid, call, runId, eventId, short } = JSON.parse(line) as HeardCall;
    if (call !== 'trace') continue;
    if (heard.get(eventId) === pid) throw new Error(`${eventId} was told twice`);
    heard.set(eventId, pid);
    const events = runs.get(runId) ?? new Map<string, string>();
    runs.set(runId, events.set(eventId.slice(runId.length + 1), short));
  }
  return runs;
}

class Stand implements AsyncDisposable {
  readonly first: ReceivingService;
  readonly second: ReceivingService;
  readonly #folder: string;
  #redis: RedisServer;
  #client: Redis;

  private constructor(folder: string, redis: RedisServer) {
    this.#folder = folder;
    this.#redis = redis;
    this.#client = client(redis);
    const config = {
      chains: { main: { links: CHAIN.links, storages: CHAIN.storages } },
      receivers: {
        redis_stream: { url: redis.url, stream: STREAM, group: GROUP },
        // Longer than it takes to start one while nothing is told.
        assembler: { settle: '2s', timeout: '40s' },
      },
    };
    this.first = new ReceivingService(join(folder, 'first'), config);
    this.second = new ReceivingService(join(folder, 'second'), config);
  }

  static async start(): Promise<Stand> {
    const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-hand-over-'));
    return new Stand(folder, await startRedisServer(undefined, keeping(folder)));
  }

  async isReady(service: ReceivingService): Promise<boolean> {
    const { status, receivers } = await service.readyz();
    return (
      status === 'ready' && receivers.redis_stream?.failure === undefined && (await this.#lag()) !== undefined
    );
  }

  /** Runs on threads of a process, one fact of each after the other. */
  traffic() {
    const worker = new FactWorker(7);
    const open: Iterator<string>[] = [];
    let ended = 0;
    let begun = 0;
    let turn = 0;
    let isAttached = false;
    const add = (text: string) => this.#client.call('XADD', STREAM, '*', 'record', text);
    return {
      /** Goes on until so many runs have ended; the last ones are under way then, unless these were all. */
      until: async (runs: number) => {
        if (!isAttached) await add(worker.attach());
        isAttached = true;
        for (; ended < runs; turn += 1) {
          for (let thread = 0; thread < THREADS; thread += 1) {
            // Not in step: some run is always in the middle.
            if (!open[thread] && begun < RUNS && turn >= thread * 5) {
              open[thread] = worker.run(thread + 1, CHAIN);
              begun += 1;
            }
            const next = open[thread]?.next();
            if (next && !next.done)
              await eventually('it is added', () => add(next.value).catch(() => undefined));
            if (!next?.done) continue;
            delete open[thread];
            ended += 1;
          }
        }
      },
    };
  }

  async restartRedis(): Promise<void> {
    await this.#redis.stop();
    this.#client.disconnect();
    this.#redis = await startRedisServer(this.#redis.port, keeping(this.#folder));
    this.#client = client(this.#redis);
  }

  async pending(): Promise<number> {
    const [count] = (await this.#client.xpending(STREAM, GROUP)) as [number];
    return count;
  }

  isRead(): Promise<true> {
    return eventually('all is read', async () => {
      return (await this.#lag()) === 0 && (await this.pending()) === 0 ? true : undefined;
    });
  }

  async nothingOpen(): Promise<true | undefined> {
    const states = await Promise.all([this.first.readyz(), this.second.readyz()]);
    return states.every(({ receivers, tracers }) => {
      return receivers.open_runs === 0 && Object.values(tracers).every(({ pending }) => pending === 0);
    })
      ? true
      : undefined;
  }

  async #lag(): Promise<number | undefined> {
    const [group] = (await this.#client.xinfo('GROUPS', STREAM).catch(() => [])) as unknown[][];
    return group ? Number(group[group.indexOf('lag') + 1]) : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const service of [this.first, this.second]) service.signal('SIGCONT');
    await Promise.all([this.first.kill().catch(() => undefined), this.second.kill().catch(() => undefined)]);
    this.#client.disconnect();
    await this.#redis.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function keeping(folder: string): string[] {
  return ['--dir', folder, '--appendonly', 'yes', '--appendfsync', 'always'];
}

function client(redis: RedisServer): Redis {
  const made = new Redis(redis.url, { protocol: 2 });
  made.on('error', () => undefined);
  return made;
}
