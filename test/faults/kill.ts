import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startChild } from './child.ts';
import { type Fault, type Injection, require, runFaults } from './fault.ts';
import type { KillMessage } from './kill-child.ts';
import { randomOf } from './random.ts';

/** kill -9 at a random moment while events flow at full speed. */
export const kill: Fault = {
  name: 'kill',
  title: 'kill -9 at a random moment while events flow at full speed',
  inject: async (injection) => {
    const rounds = { full: 1_000, short: 50 }[injection.size];
    const random = randomOf(injection.seed);
    const totals = { kills: 0, durable: 0, again: 0, slowest: 0 };
    for (let file = 0; totals.kills < rounds; file += 1) {
      const trail = new Trail(join(injection.folder, `${file}.db`), totals);
      for (let round = 0; round < ROUNDS_PER_FILE && totals.kills < rounds; round += 1)
        await trail.killed(random);
      await trail.drained();
      progress(injection, rounds, totals);
    }
    const { slowest } = totals;
    require(injection.size === 'short' || slowest < SLOWEST_START, () =>
      `the journal took ${slowest.toFixed(0)} ms to start`);
  },
};

/** A file grows, and looking through it takes time. */
const ROUNDS_PER_FILE = 25;
const SLOWEST_START = 2_000;

interface Totals {
  kills: number;
  durable: number;
  /** Events that were given again after a kill. */
  again: number;
  /** Milliseconds. */
  slowest: number;
}

/** What may become of an event, in this order. */
const UNSEEN = 0;
const GIVEN = 1;
/** Settled, perhaps not durably. */
const SETTLING = 2;
const SETTLED = 3;

/** One file, from kill to kill, and what is known of its events for certain. */
class Trail {
  readonly #path: string;
  readonly #totals: Totals;
  /** Of each event, by its number. */
  #states = new Uint8Array(1 << 16);
  #lowestOpen = 0;
  /** Events up to here are durable. */
  #durable = -1;
  #lastSeq = 0;
  #count = 0;

  constructor(path: string, totals: Totals) {
    this.#path = path;
    this.#totals = totals;
  }

  /** Goes on with the file and kills whoever does. */
  async killed(random: () => number): Promise<void> {
    const child = this.#start('feed');
    // Most are hit while events flow, some while they start.
    if (random() < 0.85) await Promise.race([child.until((message) => 'started' in message), child.ended]);
    await wait(random() * 200);
    child.kill('SIGKILL');
    const { signal, code, stderr } = await child.ended;
    require(signal === 'SIGKILL', () => `the process ended by itself with ${code}: ${stderr}`);
    this.#check(child.messages);
    this.#totals.kills += 1;
  }

  /** Lets the consumer hear everything, and closes. */
  async drained(): Promise<void> {
    const child = this.#start('drain');
    const { code, signal, stderr } = await child.ended;
    require(code === 0, () => `the process that was to drain ended with ${code ?? signal}: ${stderr}`);
    this.#check(child.messages);
    for (let n = 0; n < this.#count; n += 1)
      require(this.#state(n) >= SETTLING, () => `event ${n} was never given`);
    this.#totals.durable += this.#durable + 1;
  }

  #start(mode: 'feed' | 'drain') {
    return startChild<KillMessage>('kill-child.ts', [
      mode,
      this.#path,
      String(this.#durable + 1),
      String(this.#lastSeq),
    ]);
  }

  #check(messages: readonly KillMessage[]): void {
    const settling: number[] = [];
    let settled = 0;
    let lastGiven = -1;
    for (const message of messages) {
      require(!('trouble' in message || 'dropped' in message), () => JSON.stringify(message));
      if ('started' in message) this.#checkFile(message);
      else if ('given' in message) lastGiven = this.#give(message.given, lastGiven);
      else if ('settling' in message)
        for (const n of message.settling) {
          settling.push(n);
          this.#states[n] = SETTLING;
        }
      else if ('durable' in message) {
        this.#durable = Math.max(this.#durable, message.durable);
        settled = message.settled;
      }
    }
    for (const n of settling.slice(0, settled)) this.#states[n] = SETTLED;
    // Given is given in order, so what is missing before the last of them was left out.
    for (let n = this.#lowestOpen; n <= lastGiven; n += 1)
      require(this.#state(n) !== UNSEEN, () => `event ${n} was left out`);
    for (let n = this.#lowestOpen; this.#state(n) >= SETTLING; n += 1) this.#lowestOpen = n;
    // What is still open is to be given again.
    for (let n = this.#lowestOpen; n <= lastGiven; n += 1)
      if (this.#states[n] === GIVEN) this.#states[n] = UNSEEN;
  }

  /** Every durable event is there exactly once, and all are in their order. */
  #checkFile({ started, stored, count, lastSeq }: Extract<KillMessage, { started: number }>): void {
    this.#totals.slowest = Math.max(this.#totals.slowest, started);
    for (const [index, n] of stored.entries())
      require(n === this.#count + index, () => `event ${this.#count + index} was due in the file, not ${n}`);
    this.#count += stored.length;
    this.#lastSeq = lastSeq;
    require(count === this.#count, () => `${count} events are in the file instead of ${this.#count}`);
    require(this.#count > this.#durable, () =>
      `event ${this.#durable} was durable, the file ends with ${this.#count - 1}`);
  }

  #give(given: readonly number[], last: number): number {
    for (const n of given) {
      require(n > last, () => `event ${n} was given after ${last}`);
      require(this.#state(n) !== SETTLED, () => `event ${n} was settled durably and given again`);
      if (this.#state(n) === SETTLING || n < this.#count) this.#totals.again += 1;
      if (n >= this.#states.length) this.#grow(n);
      this.#states[n] = GIVEN;
      last = n;
    }
    return last;
  }

  #state(n: number): number {
    return this.#states[n] ?? UNSEEN;
  }

  #grow(n: number): void {
    const states = new Uint8Array(2 * n);
    states.set(this.#states);
    this.#states = states;
  }
}

function progress({ say }: Injection, rounds: number, { kills, durable, again, slowest }: Totals): void {
  say(
    `${kills} of ${rounds} kills: ${durable.toLocaleString('en')} durable events, 0 lost, 0 twice; ${again.toLocaleString('en')} given again; slowest start ${slowest.toFixed(0)} ms`,
  );
}

if (import.meta.main) await runFaults([kill]);
