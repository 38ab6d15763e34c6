import type { ConsumerListener, Delivery } from '../../src/journal/consumer.ts';
import type { Journal } from '../../src/journal/journal.ts';
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
  const listeners = new Map<string, ConsumerListener>();
  const journal: Journal = {
    ...memory,
    persistent: true,
    async consumer(name, listener) {
      listeners.set(name, listener);
      const consumer = await memory.consumer(name, {
        ...listener,
        onCounts: (counts) => listener.onCounts({ ...counts, dead: 7 }),
      });
      return {
        async read(limit) {
          const { events } = await consumer.read(limit);
          return { events, attempted: new Map(earlier ? events.map((event) => [event, earlier]) : []) };
        },
        report(reports) {
          for (const { event, outcome, delivery } of reports) {
            const { eventId } = event;
            told.push({ what: `${eventId.slice(eventId.indexOf('/') + 1)} ${outcome}`, delivery });
          }
          consumer.report(reports);
        },
        heard(events, seconds) {
          for (const [index, event] of events.entries()) {
            const delivery = {
              attempts: 1,
              since: Date.now(),
              duration: seconds[index] ?? 0,
              errorType: undefined,
            };
            told.push({ what: `${event.eventId.slice(event.eventId.indexOf('/') + 1)} ok`, delivery });
          }
          consumer.heard(events, seconds);
        },
      };
    },
  };
  return {
    journal,
    told,
    /** An operator decides that a tracer is not to hear an event. */
    skip: (tracer: string, event: ChainEvent) => listeners.get(tracer)?.onSkip([event]),
  };
}
