import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { z } from 'zod';
import { VconOtelError } from '../../model/error.ts';
import { redisReason } from '../../persistence/redis.ts';
import type { StreamHolder } from '../receiver.ts';
import {
  type Add,
  type CommandReply,
  replyValue,
  type SeenKey,
  type StreamConnection,
  unavailable,
} from './connection.ts';

/** Milliseconds without a sign of life after which another adapter may read the stream. */
const LEASE = 15_000;
/** Milliseconds for which Redis remembers who read the stream last. How much of that is left tells when it last gave a sign of life. */
const REMEMBERED = 7 * 86_400_000;

const Holding = z.object({
  /** Of the adapter: a restart with the same journal goes on where it was. */
  journal: z.string(),
  /** Of the process: it is another after each start. */
  instance: z.string(),
  host: z.string(),
  pid: z.number(),
  since: z.string(),
});
type Holding = z.output<typeof Holding>;

/** What code passes to a {@link StreamLease}. */
export interface StreamLeaseSettings {
  readonly stream: string;
  readonly group: string;
  /** Which journal keeps what is read, see `Journal`. */
  readonly journal: string;
  /** The stream was read by an adapter with another journal, and is about to be read by this one. */
  readonly takingOver: () => Promise<void>;
}

/** The key in which the adapter that reads a group is written down. */
export function holderKey({ stream, group }: Pick<StreamLeaseSettings, 'stream' | 'group'>): string {
  return `${stream}:${group}:holder`;
}

/**
 * Sees to it that one adapter alone reads a stream: two would tear runs apart. Who reads is written in a key beside the
 * stream, and says every few seconds that it is alive by putting off that the key goes. What is read or acknowledged is so
 * in one transaction with that, and only if the key still names this process: one that was stopped for a while, and whose
 * place another has taken, can do neither.
 */
export class StreamLease {
  readonly #connection: StreamConnection;
  readonly #settings: StreamLeaseSettings;
  readonly #key: string;
  #own: Holding;
  #until: Moment = { elapsed: 0, now: 0 };
  /** Who was seen last. */
  #seen: Holding | undefined;
  /** Since when nobody was seen. */
  #vacantSince: number | undefined;
  /** A copy of our own journal has taken our place. */
  #isReplaced = false;

  constructor(connection: StreamConnection, settings: StreamLeaseSettings) {
    this.#connection = connection;
    this.#settings = settings;
    this.#key = holderKey(settings);
    this.#own = {
      journal: settings.journal,
      instance: randomUUID(),
      host: hostname(),
      pid: process.pid,
      since: new Date().toISOString(),
    };
  }

  /** Whether no other adapter can be reading. */
  get isHeld(): boolean {
    const { elapsed, now } = moment();
    return elapsed < this.#until.elapsed && now < this.#until.now;
  }

  /** The other adapter that reads the stream, as far as is known. */
  get holder(): StreamHolder | undefined {
    if (!this.#seen || this.#isOwn(this.#seen)) return undefined;
    const { host, pid, since } = this.#seen;
    return { host, pid, since };
  }

  /** Becomes the one that reads. @throws VconOtelError `STREAM_IN_USE`, `STORE_UNAVAILABLE` */
  async hold(): Promise<void> {
    let isFree = false;
    let isPrepared = false;
    const begin = moment();
    const take = () =>
      this.#connection.askWhile(
        this.#key,
        (seen) => {
          isFree = this.#isFree(seen);
          return isFree && (isPrepared || !this.#isOfAnother());
        },
        (redis) => redis.set(this.#key, JSON.stringify(this.#own), 'PX', REMEMBERED),
      );
    let taken = await take();
    if (!taken && isFree) {
      await this.#settings.takingOver();
      isPrepared = true;
      taken = await take();
    }
    if (!taken) throw this.#refused();
    this.#isReplaced = false;
    if (this.#standsFor(taken[0])) {
      await this.only((redis) => redis);
      return;
    }
    replyValue(taken[0]);
    this.#seen = this.#own;
    this.#heldSince(begin);
  }

  /** A Redis that is out of memory takes no new word: then what this journal has written there before stands for it. */
  #standsFor([error]: CommandReply = [null, undefined]): boolean {
    if (!error || redisReason(error) !== 'OOM' || this.#seen?.journal !== this.#own.journal) return false;
    this.#own = this.#seen;
    return true;
  }

  /** @throws VconOtelError unless {@link isHeld} */
  require(): void {
    if (!this.isHeld) throw this.#refused();
  }

  /**
   * Has commands executed together, as the one that reads.
   * @throws VconOtelError `STREAM_IN_USE` where another reads, and nothing was executed; `STORE_UNAVAILABLE`
   */
  async only(add: Add): Promise<readonly CommandReply[]> {
    const begin = moment();
    const replies = await this.#connection.askWhile(
      this.#key,
      (seen) => this.#isOurs(seen),
      (redis) => add(redis.pexpire(this.#key, REMEMBERED)),
    );
    if (!replies) {
      this.#until = { elapsed: 0, now: 0 };
      this.#isReplaced = this.#seen?.journal === this.#own.journal && this.holder !== undefined;
      throw this.#refused();
    }
    replyValue(replies[0]);
    this.#heldSince(begin);
    return replies.slice(1);
  }

  /** Says that this process is alive. Never rejects. */
  async renew(): Promise<void> {
    if (this.isHeld) await this.only((redis) => redis).catch(() => undefined);
  }

  /** Lets another read at once. Never rejects. */
  async release(): Promise<void> {
    if (!this.isHeld) return;
    this.#until = { elapsed: 0, now: 0 };
    const released = this.#connection.askWhile(
      this.#key,
      (seen) => this.#isOurs(seen),
      (redis) => redis.pexpire(this.#key, REMEMBERED - LEASE),
    );
    await released.catch(() => undefined);
  }

  #isFree({ value, ttl }: SeenKey): boolean {
    const holding = holdingIn(value);
    this.#seen = holding ?? this.#seen;
    if (value === undefined) {
      // A Redis that has lost everything: whoever read before has the first go.
      const { elapsed } = moment();
      this.#vacantSince ??= elapsed;
      return this.holder === undefined || elapsed - this.#vacantSince >= LEASE;
    }
    this.#vacantSince = undefined;
    const isOfJournal = holding?.journal === this.#own.journal && !this.#isReplaced;
    return isOfJournal || isStale(ttl);
  }

  /** Whether it was read last by an adapter with another journal. */
  #isOfAnother(): boolean {
    return this.#seen !== undefined && this.#seen.journal !== this.#own.journal;
  }

  #isOurs({ value }: SeenKey): boolean {
    const holding = holdingIn(value);
    this.#seen = holding ?? this.#seen;
    return holding !== undefined && this.#isOwn(holding);
  }

  #isOwn({ instance }: Holding): boolean {
    return instance === this.#own.instance;
  }

  #heldSince({ elapsed, now }: Moment): void {
    this.#until = { elapsed: elapsed + LEASE, now: now + LEASE };
  }

  #refused(): VconOtelError {
    if (!this.holder) return unavailable('nobody is known to read it');
    const { host, pid, since } = this.holder;
    return new VconOtelError(
      'STREAM_IN_USE',
      `another adapter reads the stream in Redis (host ${host}, process ${pid}, since ${since}); this one will when that one has ended`,
    );
  }
}

/** On a clock that nobody sets, and on one that goes on while the machine sleeps; in milliseconds. */
interface Moment {
  readonly elapsed: number;
  readonly now: number;
}

function moment(): Moment {
  return { elapsed: performance.now(), now: Date.now() };
}

/** Who is written down in a key as the one that reads, unless that is long ago. */
export function holderIn({ value, ttl }: SeenKey): StreamHolder | undefined {
  const holding = holdingIn(value);
  if (!holding || isStale(ttl)) return undefined;
  const { host, pid, since } = holding;
  return { host, pid, since };
}

function isStale(ttl: number): boolean {
  return ttl < 0 || REMEMBERED - ttl >= LEASE;
}

function holdingIn(value: string | undefined): Holding | undefined {
  try {
    return Holding.parse(JSON.parse(value ?? ''));
  } catch {
    return undefined;
  }
}
