import type { ConsumerSettings, Delivery, Journal } from '../../src/journal/journal.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import type { ChainEvent } from '../../src/model/event.ts';

/** What a journal was told of an event: `<its id without the run> <outcome>`. */
export interface Told {
  readonly what: string;
  readonly delivery: Delivery | undefined;
}

/**
 * A journal in memory that says of itself that it is kept, and notes what it is told. Events are what they are in memory;
 * `earlier` are the attempts of a process before this one.
 */
export function keptJournal(earlier: Delivery | undefined = undefined) {
  const memory = memoryJournal();
  const told: Told[] = [];
  const consumers = new Map<string, ConsumerSettings>();
  const note = ({ eventId }: ChainEvent, outcome: string, delivery: Delivery | undefined) =>
    told.push({ what: `${eventId.slice(eventId.indexOf('/') + 1)} ${outcome}`, delivery });
  const journal: Journal = {
    persistent: true,
    append: (event) => memory.append(event),
    durable: () => memory.durable(),
    full: false,
    failing: false,
    size: undefined,
    room: () => memory.room(),
    openInbox: () => memory.openInbox(),
    listen: (listener) => memory.listen(listener),
    close: () => memory.close(),
    consumer(name, settings) {
      consumers.set(name, settings);
      const consumer = memory.consumer(name, settings);
      return {
        read: (limit) => consumer.read(limit),
        attemptsAt: () => earlier,
        retry: (event, delivery) => {
          note(event, 'retried', delivery);
          consumer.retry(event, delivery);
        },
        settle: (event, outcome, delivery) => {
          note(event, outcome, delivery);
          consumer.settle(event, outcome, delivery);
        },
        get depth() {
          return consumer.depth;
        },
        get unread() {
          return consumer.unread;
        },
        get oldestUnread() {
          return consumer.oldestUnread;
        },
        dead: 7,
      };
    },
  };
  return {
    journal,
    told,
    /** An operator decides that a tracer is not to hear an event. */
    skip: (tracer: string, event: ChainEvent) => consumers.get(tracer)?.onSkip(event),
  };
}
