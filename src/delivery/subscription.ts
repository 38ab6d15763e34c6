import type { Consumer, ConsumerCounts, DeliveryReport, ReadBatch } from '../journal/consumer.ts';
import type { ChainEvent } from '../model/event.ts';
import { bounded } from '../model/memory.ts';

/** Events that may be read and not settled; the others stay in the journal, where they are bounded. */
export const MAX_UNSETTLED = bounded(10_000, 1 / 16, 4_000);

/** Milliseconds that a worker may read on before the event loop gets its turn. */
export const TURN = 3;

export interface SubscriptionSettings {
  /** Gets what was read. */
  take(batch: ReadBatch): void;
  /** Called when there is something to {@link Subscription.read} again. */
  again(): void;
}

const NO_COUNTS: ConsumerCounts = { depth: 0, unread: 0, given: 0, oldestUnread: undefined, dead: 0 };

/** The link between a worker and its consumer in the journal: reads when there is something to read, and reports in batches. */
export class Subscription {
  readonly #settings: SubscriptionSettings;
  /** Absent until its position is known. */
  #consumer: Consumer | undefined;
  #counts = NO_COUNTS;
  #isReading = false;
  #isReadable = false;
  /** What is to be reported: of events that were heard at once, seconds; of others, all there is. Only one of both is there. */
  #heard: ChainEvent[] = [];
  #seconds: number[] = [];
  #reports: DeliveryReport[] = [];
  #willReport = false;
  #isEnded = false;

  constructor(settings: SubscriptionSettings) {
    this.#settings = settings;
  }

  /** Its place in the journal, if that is known. */
  get consumer(): Consumer | undefined {
    return this.#consumer;
  }

  /** The latest counts from the journal. */
  get counts(): ConsumerCounts {
    return this.#counts;
  }

  /** Whether events are on their way. */
  get isReading(): boolean {
    return this.#isReading;
  }

  /** The position is known. */
  attach(consumer: Consumer): void {
    this.#consumer = consumer;
    this.readable();
  }

  /** The journal has something to read. */
  readable(): void {
    this.#isReadable = true;
    this.#settings.again();
  }

  counted(counts: ConsumerCounts): void {
    this.#counts = counts;
  }

  /** Reads up to `limit` events if there are any and no read is under way. */
  read(limit: number): void {
    if (!this.#isReadable || this.#isReading || !this.#consumer) return;
    this.#isReading = true;
    this.#isReadable = false;
    void this.#consumer.read(limit).then((batch) => {
      this.#isReading = false;
      if (this.#isEnded) return;
      this.#settings.take(batch);
      if (batch.events.length > 0 && this.#counts.unread > 0) this.readable();
    });
  }

  /** Reads on at once, if the journal has more. */
  readOn(limit: number): void {
    // What was heard of what was read before is settled in its order, and costs the journal least.
    this.flush();
    if (this.#counts.unread === 0) return;
    this.#isReadable = true;
    this.read(limit);
  }

  /** Queues a report; the reports of one microtask go together. */
  report(report: DeliveryReport): void {
    // In their order.
    if (this.#heard.length > 0) this.flush();
    this.#reports.push(report);
    this.#soon();
  }

  /** As {@link report}, of an event that was heard at the first attempt, and after how many seconds. */
  heard(event: ChainEvent, seconds: number): void {
    if (this.#reports.length > 0) this.flush();
    this.#heard.push(event);
    this.#seconds.push(seconds);
    this.#soon();
  }

  #soon(): void {
    if (this.#willReport) return;
    this.#willReport = true;
    queueMicrotask(() => {
      this.#willReport = false;
      this.flush();
    });
  }

  /** Sends queued reports at once. */
  flush(): void {
    const heard = this.#heard;
    const reports = this.#reports;
    if (heard.length > 0) {
      const seconds = this.#seconds;
      // What the journal says of it may lead back here.
      this.#heard = [];
      this.#seconds = [];
      this.#consumer?.heard(heard, seconds);
    }
    if (reports.length > 0) {
      this.#reports = [];
      this.#consumer?.report(reports);
    }
  }

  /** Sends queued reports; events that are read from now on are ignored. */
  end(): void {
    this.flush();
    this.#isEnded = true;
  }
}
