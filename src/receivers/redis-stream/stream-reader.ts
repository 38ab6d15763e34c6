import { withDeadline } from '../../model/deadline.ts';
import { VconOtelError } from '../../model/error.ts';
import { RarelyLogged } from '../../model/rarely-logged.ts';
import type { RedisStreamReceiverSettings, RedisStreamStats } from '../redis-stream.ts';
import { BatchSize } from './batch-size.ts';
import { type Connection, connect } from './connection.ts';
import { type ConsumerGroup, consumerGroup } from './consumer-group.ts';
import { type Destination, handIn } from './hand-in.ts';
import { backOff, pause } from './pause.ts';
import { ReadPosition } from './read-position.ts';
import { claimIdle, recoverOwn } from './recovery.ts';
import type { Snapshot } from './replies.ts';
import { Settlement } from './settlement.ts';

/**
 * Reads a stream until it is closed. One turn after the other:
 * ```
 *   settle what waits ─► our own pending entries ─► idle ones of others ─► new ones ─► wait for more
 *                          after a (re)connect        now and then
 * ```
 * Waiting is done with XREAD on a connection of its own. What reads never waits, so that it can look at the books in the
 * same transaction: otherwise what is trimmed in between could not be counted.
 */
export class StreamReader {
  readonly #settings: RedisStreamReceiverSettings;
  readonly #closing = new AbortController();
  readonly #commands: Connection;
  readonly #waiting: Connection;
  readonly #group: ConsumerGroup;
  readonly #to: Destination;
  readonly #position = new ReadPosition();
  readonly #watch: NodeJS.Timeout;
  readonly #reading: Promise<void>;
  #closed: Promise<void> | undefined;
  #generation = 0;
  #recovered = false;
  #claimAt = 0;
  #inspectAt = 0;
  #failures = 0;
  #failure: VconOtelError | undefined;
  #awaySince = performance.now();
  #behind = false;
  #lag = Number.NaN;
  #pending = 0;
  #gaps = 0;

  /** @throws VconOtelError `CONFIG_INVALID` where the url is none */
  constructor(settings: RedisStreamReceiverSettings) {
    this.#settings = settings;
    const { url, intake, tally } = settings;
    const closing = this.#closing.signal;
    this.#commands = connect({ url, closing, timeout: TIMEOUT });
    this.#waiting = connect({ url, closing, timeout: BLOCK + TIMEOUT });
    this.#group = consumerGroup(this.#commands, settings);
    this.#to = {
      intake,
      tally,
      closing,
      settlement: new Settlement(this.#group, tally),
      size: new BatchSize(),
    };
    this.#setBehind(true);
    this.#watch = setInterval(() => void this.#refresh(), REFRESH);
    this.#reading = this.#read();
  }

  get stats(): RedisStreamStats {
    return {
      connected: this.#commands.connected,
      lag: this.#lag,
      pending: this.#pending,
      gaps: this.#gaps,
      waiting: this.#to.settlement.waiting,
      failure: this.#failure,
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearInterval(this.#watch);
    this.#closing.abort();
    this.#waiting.close();
    await withDeadline(this.#reading, CLOSING, 'the last batch').catch(() => undefined);
    this.#commands.close();
    this.#setBehind(false);
  }

  async #read(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#turn();
        this.#failures = 0;
        this.#failure = undefined;
        this.#awaySince = Number.POSITIVE_INFINITY;
      } catch (error) {
        if (!signal.aborted) await this.#failed(error);
      }
    }
    if (this.#commands.connected) await this.#to.settlement.flush().catch(() => undefined);
  }

  async #failed(error: unknown): Promise<void> {
    const now = performance.now();
    this.#failure =
      error instanceof VconOtelError ? error : new VconOtelError('STORE_UNAVAILABLE', UNEXPECTED);
    // A reply that was lost may have delivered entries.
    this.#recovered = false;
    this.#generation = 0;
    this.#awaySince = Math.min(this.#awaySince, now);
    this.#setBehind(now - this.#awaySince < (this.#settings.patience ?? PATIENCE));
    this.#to.size.failed();
    log.warn('reading', `nothing can be read: ${this.#failure.message}`);
    // Without a connection, what is asked next waits for one.
    const failures = this.#commands.connected ? this.#failures++ : 0;
    await pause(backOff(failures), this.#closing.signal);
  }

  async #turn(): Promise<void> {
    const { settlement, intake, closing } = this.#to;
    if (this.#generation !== this.#commands.generation || this.#generation === 0) await this.#prepare();
    await settlement.flush();
    if (!this.#recovered) this.#recovered = await recoverOwn(this.#group, this.#to);
    if (performance.now() >= this.#claimAt) await this.#claim();
    if (intake.full || settlement.full) {
      await this.#inspect();
      await pause(LOOK, closing);
    } else if (!closing.aborted) await this.#readNew();
  }

  /** Sees to it that the group is there: it is gone after a Redis without persistence, or a failover to an empty one. */
  async #prepare(): Promise<void> {
    const generation = this.#commands.generation;
    const snapshot = await this.#group.inspect();
    if (!snapshot?.group) {
      if (this.#position.begun) log.warn('group', 'the group of the stream was gone and is made again');
      await this.#group.create(snapshot ? this.#position.accounted(snapshot) : 0);
    }
    this.#recovered = false;
    // Connected meanwhile for the first time: what was asked has been answered by that connection.
    this.#generation = generation || this.#commands.generation;
    this.#setBehind(true);
  }

  async #claim(): Promise<void> {
    const done = await claimIdle(this.#group, this.#to, () => this.#setBehind(true));
    if (done) this.#claimAt = performance.now() + this.#settings.claimAfter / 2;
  }

  async #readNew(): Promise<void> {
    const asked = this.#to.size.entries;
    const { before, after, entries } = await this.#group.readNew(asked);
    const drained = entries.length < asked;
    const { lost, correction } = this.#position.advance(before, after, entries.length, drained);
    this.#count(lost);
    this.#see({ ...before, group: after });
    // The entries come first: what is not corrected now will be after the next read.
    if (correction) await this.#group.correct(correction).catch(() => undefined);
    if (entries.length > 0) {
      await handIn(entries, this.#to);
      await this.#to.settlement.flush();
    }
    this.#setBehind(!drained);
    if (entries.length === 0) await this.#waitForMore(after.lastDelivered);
  }

  async #waitForMore(after: string): Promise<void> {
    const until = Math.min(BLOCK, Math.max(1, this.#claimAt - performance.now()));
    const { stream } = this.#settings;
    await this.#waiting.ask((redis) =>
      redis.call('XREAD', 'COUNT', 1, 'BLOCK', Math.ceil(until), 'STREAMS', stream, after),
    );
  }

  /** Counts what is trimmed while nothing can be read. */
  async #inspect(): Promise<void> {
    if (performance.now() < this.#inspectAt) return;
    this.#inspectAt = performance.now() + REFRESH;
    const snapshot = await this.#group.inspect();
    if (!snapshot?.group) return;
    this.#count(this.#position.advance(snapshot, snapshot.group, 0, false).lost);
    this.#see(snapshot);
    this.#setBehind(this.#lag > 0);
  }

  #count(lost: number): void {
    if (lost === 0) return;
    this.#gaps += 1;
    this.#settings.tally.add('records', 'lost', lost);
    log.warn('trimmed', `the stream was trimmed before it was read: ${lost} entries are lost`);
  }

  async #refresh(): Promise<void> {
    if (!this.#commands.connected) return;
    const snapshot = await this.#group.inspect().catch(() => undefined);
    if (snapshot) this.#see(snapshot);
  }

  #see(snapshot: Snapshot): void {
    this.#lag = this.#position.lag(snapshot);
    this.#pending = snapshot.group?.pending ?? 0;
  }

  #setBehind(behind: boolean): void {
    if (this.#behind === behind) return;
    this.#behind = behind;
    this.#settings.intake.catchingUp('redis_stream', behind);
  }
}

/** Milliseconds. */
const TIMEOUT = 5_000;
const BLOCK = 2_000;
const REFRESH = 3_000;
const CLOSING = 5_000;
const PATIENCE = 30_000;
const LOOK = 200;

const UNEXPECTED = 'the stream in Redis failed unexpectedly';
const log = new RarelyLogged('vcon-otel/receivers');
