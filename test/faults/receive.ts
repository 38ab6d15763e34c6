import { join } from 'node:path';
import { Redis } from 'ioredis';
import { type Capture, readCaptures } from '../assembly/captures.ts';
import { happenedThere, type World } from '../assembly/python-conserver.ts';
import { missingRedis, type RedisServer, startRedisServer } from '../redis-server.ts';
import { CAPTURES, capturedRequests } from '../support/captures.ts';
import { type Fault, type Injection, runFaults, TooSlow } from './fault.ts';
import { ReceiveTotals } from './heard-by-road.ts';
import { randomOf } from './random.ts';
import { randomPassages, shuffled } from './random-passages.ts';
import { ReceiveStand, type Road } from './receive-stand.ts';
import { ReceivingService, SETTLE } from './receiving-service.ts';
import { randomKill } from './sending.ts';

/** What a Python conserver sends, in any order and twice, to a service that is killed. */
export const receive: Fault = {
  name: 'receive',
  title: 'kill -9 of a service while what a Python conserver sends arrives in any order, each twice',
  missing: missingRedis,
  inject: async (injection) => {
    const redis = await startRedisServer();
    try {
      const parts = [...ROADS.map((road) => worlds(road)), captures];
      await Promise.all(
        parts.map((part, i) =>
          part(new Trial({ ...injection, seed: injection.seed + i }, redis, `part-${i}`)),
        ),
      );
    } finally {
      await redis.stop();
    }
  },
};

const ROADS: readonly Road[] = ['both', 'spans', 'records'];
/** Groups of passages that one service hears. */
const GROUPS = 6;
/** Of the world of passages. */
const FIRST_SECOND = 1_795_000_000;
/** Recordings that are sent at a time, each to a service of its own, of which most wait most of the time. */
const LANES = 3;
/** How often a machine may be too slow for one to judge: at last a run is over after some minutes. */
const TRIES = 8;

/** Generated runs, in groups, with a kill in most. */
function worlds(road: Road): (trial: Trial) => Promise<void> {
  return async (trial) => {
    const groups = { full: 60, short: 8 }[trial.size];
    const totals = new ReceiveTotals();
    for (let done = 0; done < groups; done += GROUPS)
      await trial.inTime(() => trial.world(road, Math.min(GROUPS, groups - done), totals));
    trial.say(`generated runs, heard by ${road}: ${totals}`);
  };
}

/** The recordings in one order after the other, with and without records and a kill. */
async function captures(trial: Trial): Promise<void> {
  const orders = { full: 200, short: 12 }[trial.size];
  const recordings = shuffled(trial.random, await readCaptures());
  if (recordings.length === 0) return trial.say('no recordings: ../shared is not there');
  const totals = new ReceiveTotals();
  let next = 0;
  const lane = async () => {
    for (let order = next++; order < orders; order = next++) {
      const round = Math.floor(order / recordings.length);
      const road = round % 2 === 0 ? 'both' : 'spans';
      const isKilled = round % 4 < 2;
      const recording = recordings[order % recordings.length];
      if (recording) await trial.inTime(() => trial.capture(recording, road, isKilled, totals));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  trial.say(`${orders} orders of ${recordings.length} recordings: ${totals}`);
}

/** What is sent to a service after the other, and what has to come of it. */
class Trial {
  readonly size: Injection['size'];
  readonly random: () => number;
  readonly say: Injection['say'];
  readonly #folder: string;
  readonly #redis: RedisServer;
  readonly #name: string;
  #services = 0;
  #settle = SETTLE;

  constructor({ size, seed, folder, say }: Injection, redis: RedisServer, name: string) {
    this.size = size;
    this.random = randomOf(seed);
    this.say = say;
    this.#folder = folder;
    this.#redis = redis;
    this.#name = name;
  }

  /** Does it again where the machine was too slow, with twice as much time. */
  async inTime(work: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1)
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof TooSlow) || attempt === TRIES) throw error;
        this.#settle *= 2;
      }
  }

  /** Some groups of passages. */
  async world(road: Road, groups: number, totals: ReceiveTotals): Promise<void> {
    const { random } = this;
    const world = happenedThere(randomPassages(random, groups).flat(), road !== 'records');
    await using stand = await this.#start({ chains: world.plans });
    for (let group = 0; group < groups; group += 1) {
      const sendings = stand.sendings(of(world, group), road);
      const kills =
        groups === 1 || random() < 0.75 ? [randomKill(random, sendings.length, this.#settle)] : [];
      await stand.send(sendings, kills);
      totals.kills += kills.length;
    }
    totals.add(await stand.heard(), world, road);
  }

  /** A recording, its requests as they were. */
  async capture(capture: Capture, road: Road, isKilled: boolean, totals: ReceiveTotals): Promise<void> {
    await using stand = await this.#start({ conserver_config: join(CAPTURES, capture.name, 'config.yml') });
    const sendings = stand.sendings({ spans: [], records: capture.records }, road);
    for (const { protobuf: body } of capturedRequests(capture.name))
      sendings.push(() => stand.service.post({ path: '/v1/traces', type: 'application/x-protobuf', body }));
    const kills = isKilled ? [randomKill(this.random, sendings.length, this.#settle)] : [];
    await stand.send(sendings, kills);
    totals.kills += kills.length;
    totals.add(await stand.heard(), { heard: capture.runs, heardBySpans: capture.runs }, road);
  }

  async #start(config: object): Promise<ReceiveStand> {
    this.#services += 1;
    const name = `${this.#name}-${this.#services}`;
    const { url } = this.#redis;
    const receivers = { redis_stream: { url, stream: name } };
    const service = new ReceivingService(join(this.#folder, name), {
      ...config,
      settle: this.#settle,
      receivers,
    });
    await service.start();
    const client = new Redis(url);
    client.on('error', () => undefined);
    return new ReceiveStand(service, client, name, this.random);
  }
}

/** What is sent of a group of passages, which happen in a second. */
function of({ spans, records }: World, group: number): Pick<World, 'spans' | 'records'> {
  const isOf = (seconds: number) => seconds - FIRST_SECOND === group;
  return {
    spans: spans.filter(({ start: [seconds] }) => isOf(seconds)),
    records: records.filter(({ time }) => isOf(Number(time / 1_000_000_000n))),
  };
}

if (import.meta.main) await runFaults([receive]);
