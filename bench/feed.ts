import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Pool } from 'undici';
import { LoadedRun, packed, RECORDS_PER_RUN, SPANS_PER_REQUEST } from './conserver-load.ts';
import { STREAM } from './served.ts';

/** Requests that are under way at once, and records that are added with one call. */
const CONNECTIONS = 4;
const BATCH = 500;
/** Processes of the conserver. */
const WORKERS = 16;
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
        for (const body of left) await this.post(body);
      }),
    );
  }

  async post(body: Buffer): Promise<void> {
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

/** Adds records to the stream of a Redis, as a conserver's forwarder does. */
export class Recorder {
  readonly #redis: Redis;
  /** Of each worker, the number of its last record. */
  readonly #seqs = new Array<number>(WORKERS).fill(0);

  constructor(url: string) {
    this.#redis = new Redis(url);
  }

  /** Records of runs that are under way one after the other. */
  recordsOf(runs: number, first: number): string[] {
    const records: string[] = [];
    for (let number = first; number < first + runs; number += 1) {
      const run = new LoadedRun(number);
      const now = Date.now();
      for (let index = -1; index < RECORDS_PER_RUN - 1; index += 1)
        records.push(this.#record(run, index, now + index + 1));
    }
    return records;
  }

  /** Adds all of them as fast as Redis takes them. */
  async all(records: readonly string[]): Promise<void> {
    for (let at = 0; at < records.length; at += BATCH) await this.#add(records.slice(at, at + BATCH));
  }

  /** Adds records of links that have ended just now. */
  async now(links: readonly { readonly run: LoadedRun; readonly index: number }[]): Promise<void> {
    const now = performance.timeOrigin + performance.now();
    await this.#add(links.map(({ run, index }) => this.#record(run, index, now)));
  }

  /** Resolves when every record has been acknowledged. */
  async acknowledged(): Promise<void> {
    for (;;) {
      const [group] = (await this.#redis.call('XINFO', 'GROUPS', STREAM)) as (string | number)[][];
      const of = (name: string) => group?.[group.indexOf(name) + 1];
      if (of('lag') === 0 && of('pending') === 0) return;
      await wait(LOOK);
    }
  }

  /** Whatever was there is no more. */
  async empty(): Promise<void> {
    await this.#redis.call('XTRIM', STREAM, 'MAXLEN', 0);
  }

  close(): void {
    this.#redis.disconnect();
  }

  #record(run: LoadedRun, index: number, now: number): string {
    const worker = run.number % WORKERS;
    const seq = (this.#seqs[worker] ?? 0) + 1;
    this.#seqs[worker] = seq;
    return run.record(index, worker, seq, now);
  }

  async #add(records: readonly string[]): Promise<void> {
    const pipeline = this.#redis.pipeline();
    for (const record of records) pipeline.call('XADD', STREAM, '*', 'record', record);
    for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
  }
}

/** Milliseconds that a run takes from its first record to its last, and between two turns of whoever plays it. */
const RUN_TAKES = 500;
const TURN = 5;

/**
 * Plays runs of a conserver at a steady pace: each record is added when it is due, each span posted when 512 of them have
 * ended.
 * @param look called now and then, with the share of the time that has passed
 */
export async function play(
  perSecond: number,
  seconds: number,
  recorder: Recorder | undefined,
  poster: Poster,
  look: (share: number) => Promise<void>,
): Promise<number> {
  const runs = Math.round(perSecond * seconds);
  const steps = Array.from({ length: runs * RECORDS_PER_RUN }, (_, i) => {
    const number = Math.floor(i / RECORDS_PER_RUN);
    const index = (i % RECORDS_PER_RUN) - 1;
    return { number, index, due: (number / perSecond) * 1e3 + ((index + 1) / RECORDS_PER_RUN) * RUN_TAKES };
  }).sort((a, b) => a.due - b.due);
  const underWay = new Map<number, LoadedRun>();
  let spans: ReturnType<LoadedRun['spans']> = [];
  const posts: Promise<void>[] = [];
  const began = performance.now();
  for (let next = 0; next < steps.length; ) {
    const links: { run: LoadedRun; index: number }[] = [];
    for (let step = steps[next]; step && step.due <= performance.now() - began; step = steps[++next]) {
      const { number, index } = step;
      const run = underWay.get(number) ?? new LoadedRun(number);
      underWay.set(number, run);
      links.push({ run, index });
      if (index < RECORDS_PER_RUN - 2) continue;
      underWay.delete(number);
    }
    if (links.length > 0) await recorder?.now(links);
    for (const { run, index } of links)
      if (index === RECORDS_PER_RUN - 2) spans.push(...run.spans(Date.now()));
    while (spans.length >= SPANS_PER_REQUEST || (next === steps.length && spans.length > 0)) {
      posts.push(poster.post(packed(spans.slice(0, SPANS_PER_REQUEST))));
      spans = spans.slice(SPANS_PER_REQUEST);
    }
    await look((performance.now() - began) / 1e3 / seconds);
    await wait(TURN);
  }
  await Promise.all(posts);
  return runs;
}
