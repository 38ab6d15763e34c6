import { withDeadline } from '../../model/deadline.ts';
import { VconOtelError } from '../../model/error.ts';
import type { FactSink } from '../../model/fact-sink.ts';
import { ThrottledLog } from '../../model/throttled-log.ts';
import type { ReceiverCounts } from '../counts.ts';
import type { StreamStats } from '../receiver.ts';
import { BatchSize } from './batch-size.ts';
import { connectToStream, type StreamConnection, unavailable } from './connection.ts';
import { type ConsumerGroup, consumerGroup } from './consumer-group.ts';
import { type Destination, handIn } from './hand-in.ts';
import { pause, pauseAfter, pauseUntil } from './pause.ts';
import { ReadPosition } from './read-position.ts';
import { reclaim } from './recovery.ts';
import type { Snapshot } from './replies.ts';
import { missingRights } from './rights.ts';
import { Settlement } from './settlement.ts';
import { StreamLease } from './stream-lease.ts';

/** What code passes to a {@link StreamReader}. */
export interface RedisStreamReceiverSettings {
  /** `redis://` or `rediss://`. May hold credentials: it is never shown. */
  readonly url: string;
  /** The key that the forwarder adds to. Unreadable entries go to `<stream>:dead`. */
  readonly stream: string;
  readonly group: string;
  readonly consumer: string;
  /** Which journal keeps what is read, see `Journal`. */
  readonly journal: string;
  /** Milliseconds after which the entries of a consumer that does not acknowledge them are taken over. */
  readonly claimAfter: number;
  /** For how many milliseconds the last batch is waited for when it is closed. */
  readonly closeTimeout: number;
  readonly sink: FactSink;
  readonly counts: ReceiverCounts;
  /** How many milliseconds runs wait for a Redis that is down. Default 30 s. */
  readonly patience?: number;
}

/**
 * Reads a stream until it is closed. One turn after the other:
 * ```
 *   be the only one that reads ─► settle what waits ─► pending entries ─► new ones ─► wait for more, gather it
 *                                                       of anybody after a (re)connect, idle ones now and then
 * ```
 * Waiting is done with XREAD on a connection of its own. What reads never waits, so that it can look at the books in the
 * same transaction: otherwise what is trimmed in between could not be counted.
 */
export class StreamReader {
  readonly #settings: RedisStreamReceiverSettings;
  readonly #closing = new AbortController();
  readonly #log = new ThrottledLog('vcon-otel/receivers');
  readonly #commands: StreamConnection;
  readonly #waiting: StreamConnection;
  readonly #lease: StreamLease;
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
  /** The connection whose user has been found to have all rights. */
  #allowed = 0;
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
    const { url, sink, counts } = settings;
    const closing = this.#closing.signal;
    const log = this.#log;
    this.#commands = connectToStream({ url, closing, log, timeout: TIMEOUT });
    this.#waiting = connectToStream({ url, closing, log, timeout: BLOCK + TIMEOUT });
    this.#lease = new StreamLease(this.#commands, {
      ...settings,
      takingOver: () => {
        sink.takenOver();
        return sink.durable();
      },
    });
    this.#group = consumerGroup(this.#commands, this.#lease, settings);
    this.#to = {
      sink,
      counts,
      closing,
      settlement: new Settlement(this.#group, counts, log),
      size: new BatchSize(),
      lease: this.#lease,
      log,
    };
    this.#setBehind(true);
    this.#watch = setInterval(() => void this.#refresh(), REFRESH);
    this.#reading = this.#read();
  }

  get stats(): StreamStats {
    return {
      connected: this.#commands.isConnected,
      lag: this.#lag,
      pending: this.#pending,
      gaps: this.#gaps,
      waiting: this.#to.settlement.waiting,
      failure: this.#failure,
      holder: this.#lease.holder,
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearInterval(this.#watch);
    this.#closing.abort();
    const waitingClosed = this.#waiting.close();
    await withDeadline(this.#reading, this.#settings.closeTimeout, 'the last batch').catch(() => undefined);
    await Promise.all([waitingClosed, this.#lease.release()]);
    await this.#commands.close();
    this.#setBehind(false);
  }

  async #read(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#turn();
        this.#succeeded();
      } catch (error) {
        if (!signal.aborted) await this.#failed(error);
      }
    }
    if (this.#commands.isConnected) await this.#to.settlement.flush().catch(() => undefined);
  }

  #succeeded(): void {
    if (this.#failure) this.#log.warnNow('again', 'the stream is read again');
    this.#failures = 0;
    this.#failure = undefined;
    this.#awaySince = Number.POSITIVE_INFINITY;
  }

  async #failed(error: unknown): Promise<void> {
    const now = performance.now();
    this.#failure =
      error instanceof VconOtelError ? error : new VconOtelError('STORE_UNAVAILABLE', UNEXPECTED);
    // A reply that was lost may have delivered entries.
    this.#recovered = false;
    this.#generation = 0;
    // Rights can be taken away, too.
    this.#allowed = 0;
    this.#awaySince = Math.min(this.#awaySince, now);
    this.#setBehind(now - this.#awaySince < (this.#settings.patience ?? PATIENCE));
    this.#to.size.failed();
    this.#log.warn('reading', `nothing can be read: ${this.#failure.message}`);
    if (this.#failure.code === 'STREAM_IN_USE') {
      await pause(LOOK_WHO_READS, this.#closing.signal);
      return;
    }
    // Without a connection, what is asked next waits for one.
    const { isConnected } = this.#commands;
    if (isConnected) this.#failures += 1;
    await pauseAfter(isConnected ? this.#failures : 1, this.#closing.signal);
  }

  async #turn(): Promise<void> {
    const { settlement, sink, closing } = this.#to;
    if (this.#allowed !== this.#commands.generation || this.#allowed === 0) await this.#requireRights();
    if (!this.#lease.isHeld) {
      await this.#lease.hold();
      this.#generation = 0;
    }
    if (this.#generation !== this.#commands.generation || this.#generation === 0) await this.#prepare();
    const isToClaim = performance.now() >= this.#claimAt;
    // What is finished would be handed in again.
    if (settlement.isCrowded || !this.#recovered || isToClaim) await settlement.flush();
    if (!this.#recovered) this.#recovered = await this.#reclaim(0);
    else if (isToClaim) await this.#reclaim(this.#settings.claimAfter);
    if (sink.full || settlement.full) {
      await settlement.flush();
      await this.#inspect();
      await pause(LOOK, closing);
    } else if (!closing.aborted) await this.#readNew();
  }

  /** Before anything is asked that only some of the rights would tear apart. */
  async #requireRights(): Promise<void> {
    const missing = await missingRights(this.#commands.askAlone, this.#settings);
    if (missing.length > 0) throw unavailable(`its user lacks the rights ${missing.join(' ')}`);
    this.#allowed = this.#commands.generation;
  }

  /** Sees to it that the group is there: it is gone after a Redis without persistence, or a failover to an empty one. */
  async #prepare(): Promise<void> {
    const generation = this.#commands.generation;
    const snapshot = await this.#group.inspect();
    if (!snapshot?.group) {
      if (this.#position.begun) this.#log.warn('group', 'the group of the stream was gone and is made again');
      await this.#group.create(snapshot ? this.#position.accounted(snapshot) : 0);
    }
    this.#recovered = false;
    // Connected meanwhile for the first time: what was asked has been answered by that connection.
    this.#generation = generation || this.#commands.generation;
    this.#setBehind(true);
  }

  /** @returns whether it got to the end */
  async #reclaim(idle: number): Promise<boolean> {
    const done = await reclaim(this.#group, idle, this.#to, () => this.#setBehind(true));
    if (done) this.#claimAt = performance.now() + this.#settings.claimAfter / 2;
    return done;
  }

  async #readNew(): Promise<void> {
    const asked = this.#to.size.entries;
    const { settlement } = this.#to;
    const { finished } = settlement;
    const readAt = performance.now();
    const { before, after, entries } = await this.#group.readNew(asked, finished);
    settlement.acknowledged(finished.length);
    // Not only when the turn is over, which waits for more: Redis may go while it does.
    this.#succeeded();
    const drained = entries.length < asked;
    const { lost, correction } = this.#position.advance(before, after, entries.length, drained);
    this.#count(lost);
    this.#see({ ...before, group: after });
    // The entries come first: what is not corrected now will be after the next read.
    if (correction) await this.#group.correct(correction).catch(() => undefined);
    if (entries.length > 0) await handIn(entries, this.#to);
    this.#setBehind(!drained);
    if (entries.length === 0) await this.#waitForMore(after.lastDelivered);
    // What comes next is read with what comes soon after it: each read, and each transaction after it, has its price.
    else if (drained) await pauseUntil(readAt + GATHER, this.#to.closing);
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
    this.#settings.counts.add('records', 'lost', lost);
    this.#log.warn('trimmed', `the stream was trimmed before it was read: ${lost} entries are lost`);
  }

  async #refresh(): Promise<void> {
    if (!this.#commands.isConnected) return;
    await this.#lease.renew();
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
    this.#settings.sink.catchingUp('redis_stream', behind);
  }
}

/** Milliseconds. */
const TIMEOUT = 5_000;
const BLOCK = 2_000;
const REFRESH = 3_000;
const PATIENCE = 30_000;
const LOOK = 200;
/** From a read that brought less than it could to the next. */
const GATHER = 20;
const LOOK_WHO_READS = 1_000;

const UNEXPECTED = 'the stream in Redis failed unexpectedly';
