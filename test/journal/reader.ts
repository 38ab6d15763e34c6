import type {
  Consumer,
  ConsumerCounts,
  ConsumerListener,
  Delivery,
  DeliveryOutcome,
} from '../../src/journal/consumer.ts';
import type { EventLog } from '../../src/journal/event-log.ts';
import type { ChainEvent } from '../../src/model/event.ts';

/** A consumer as a test has it: it waits for what is still on its way, and knows what it was told. */
export interface Reader {
  /** Reads so many events, however many reads that takes. */
  read(count: number): Promise<readonly ChainEvent[]>;
  readonly consumer: ReaderConsumer;
}

/** A consumer, an event at a time. */
export interface ReaderConsumer extends ConsumerCounts {
  /** What there is at this moment. */
  readNow(limit: number): Promise<readonly ChainEvent[]>;
  /** What was known of an event when it was read. */
  attemptsAt(event: ChainEvent): Delivery | undefined;
  settle(event: ChainEvent, outcome: Exclude<DeliveryOutcome, 'retried'>, delivery?: Delivery): void;
  retry(event: ChainEvent, delivery: Delivery): void;
}

export function reader(journal: EventLog, name: string, settings: Partial<ConsumerListener> = {}): Reader {
  let readable = Promise.withResolvers<void>();
  let counts: ConsumerCounts = { depth: 0, unread: 0, given: 0, oldestUnread: undefined, dead: 0 };
  let opened: Consumer | undefined;
  const consumer = journal.consumer(name, {
    onDrop: () => {},
    onSkip: () => {},
    ...settings,
    onCounts: (news) => {
      counts = news;
      settings.onCounts?.(news);
    },
    onReadable: () => {
      readable.resolve();
      settings.onReadable?.();
    },
  });
  consumer.then((found) => {
    opened = found;
  });
  const attempted = new Map<ChainEvent, Delivery>();
  const readNow = async (limit: number): Promise<readonly ChainEvent[]> => {
    const batch = await (await consumer).read(limit);
    for (const [event, delivery] of batch.attempted) attempted.set(event, delivery);
    return batch.events;
  };
  const report = (event: ChainEvent, outcome: DeliveryOutcome, delivery: Delivery | undefined): void => {
    attempted.delete(event);
    opened?.report([{ event, outcome, delivery }]);
  };
  return {
    async read(count) {
      const events: ChainEvent[] = [];
      while (events.length < count) {
        // Before it is read: what becomes readable right afterwards must not be missed.
        readable = Promise.withResolvers<void>();
        const read = await readNow(count - events.length);
        events.push(...read);
        if (read.length === 0) await readable.promise;
      }
      return events;
    },
    consumer: {
      readNow,
      attemptsAt: (event) => attempted.get(event),
      settle: (event, outcome, delivery) => {
        const isPlain = outcome === 'ok' && !delivery && !attempted.has(event);
        if (isPlain) opened?.heard([event], [0]);
        else report(event, outcome, delivery);
      },
      retry: (event, delivery) => report(event, 'retried', delivery),
      get depth() {
        return counts.depth;
      },
      get unread() {
        return counts.unread;
      },
      get given() {
        return counts.given;
      },
      get oldestUnread() {
        return counts.oldestUnread;
      },
      get dead() {
        return counts.dead;
      },
    },
  };
}
