import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Pool } from 'undici';
import { FactWorker } from '../test/support/fact-worker.ts';
import { CHAIN, FACTS_PER_RUN } from './conserver-load.ts';
import { STREAM } from './served.ts';

/** Requests that are under way at once, and facts that are added with one call. */
const CONNECTIONS = 4;
const BATCH = 500;
/** Processes of the conserver. */
const WORKERS = 16;
/** Facts that the stream keeps: the default of the file inside. */
const MAXLEN = 1_000_000;
/** Milliseconds before a request that was turned away is made again, and between two looks. */
const PAUSE = 100;
const LOOK = 10;

/** Posts bodies to a receiver. */
export class Poster {
  readonly #pool: Pool;
  readonly #path: string;
  /** Requests that were turned away, and made again. */
  turnedAway = 0;

  constructor(url: string) {
    const { origin, pathname } = new URL('/v1/traces', url);
    this.#pool = new Pool(origin, { connections: CONNECTIONS });
    this.#path = pathname;
  }

  /** Posts all of them as fast as they are taken. Resolves when the last one was. */
  async all(bodies: readonly Buffer[]): Promise<void> {
    const left = bodies.values();
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        for (const body of left) await this.#post(body);
      }),
    );
  }

  async #post(body: Buffer): Promise<void> {
    const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' };
    for (;;) {
      const answer = await this.#pool.request({ method: 'POST', path: this.#path, headers, body });
      await answer.body.dump();
      if (answer.statusCode === 200) return;
      if (answer.statusCode !== 503) throw new Error(`a request was answered with ${answer.statusCode}`);
      this.turnedAway += 1;
      await wait(PAUSE);
    }
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}

/** Adds facts to the stream of a Redis, as the file inside a conserver does. */
export class FactFeed {
  readonly #redis: Redis;
  readonly #workers = Array.from({ length: WORKERS }, (_, i) => new FactWorker(i + 1));
  #runs = 0;

  constructor(url: string) {
    this.#redis = new Redis(url);
  }

  /** Whatever was there is no more, and every process begins. */
  async begin(): Promise<void> {
    await this.#redis.call('XTRIM', STREAM, 'MAXLEN', 0);
    await this.add(this.#workers.map((worker) => worker.attach()));
  }

  /** The facts of one more run, on a thread of its own. */
  run(): Generator<string, void, undefined> {
    this.#runs += 1;
    const worker = this.#workers[this.#runs % WORKERS];
    if (!worker) throw new Error('there are no workers');
    return worker.run(this.#runs, CHAIN);
  }

  /** Adds facts as fast as Redis takes them. */
  async add(facts: readonly string[]): Promise<void> {
    for (let at = 0; at < facts.length; at += BATCH) {
      const pipeline = this.#redis.pipeline();
      for (const fact of facts.slice(at, at + BATCH))
        pipeline.call('XADD', STREAM, 'MAXLEN', '~', MAXLEN, '*', 'record', fact);
      for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
    }
  }

  /** Resolves when every fact has been acknowledged. */
  async acknowledged(): Promise<void> {
    for (;;) {
      const [group] = (await this.#redis.call('XINFO', 'GROUPS', STREAM)) as (string | number)[][];
      const of = (name: string) => group?.[group.indexOf(name) + 1];
      if (of('lag') === 0 && of('pending') === 0) return;
      await wait(LOOK);
    }
  }

  close(): void {
    this.#redis.disconnect();
  }
}

/** Milliseconds that a run takes from its first fact to its last, and between two turns of whoever plays it. */
const RUN_TAKES = 500;
const TURN = 2;

/**
 * Plays runs of a conserver at a steady pace: each fact is made and added when it is due.
 * @param look called now and then, with the share of the time that has passed
 */
export async function play(
  perSecond: number,
  seconds: number,
  feed: FactFeed,
  look: (share: number) => Promise<void>,
): Promise<number> {
  const runs = Math.round(perSecond * seconds);
  const underWay: { readonly began: number; told: number; readonly facts: Iterator<string> }[] = [];
  const started = performance.now();
  for (let begun = 0; begun < runs || underWay.length > 0; ) {
    const now = performance.now() - started;
    for (; begun < runs && (begun * 1e3) / perSecond <= now; begun += 1)
      underWay.push({ began: (begun * 1e3) / perSecond, told: 0, facts: feed.run() });
    const facts: string[] = [];
    for (const run of underWay)
      for (
        ;
        run.told < FACTS_PER_RUN && run.began + (run.told * RUN_TAKES) / FACTS_PER_RUN <= now;
        run.told += 1
      )
        facts.push(run.facts.next().value ?? '');
    while (underWay[0]?.told === FACTS_PER_RUN) underWay.shift();
    if (facts.length > 0) await feed.add(facts);
    await look(now / 1e3 / seconds);
    await wait(TURN);
  }
  return runs;
}
