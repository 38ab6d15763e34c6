import { randomUUID } from 'node:crypto';
import type { OnFull } from './event-log.ts';
import type { Journal } from './journal.ts';
import { fittingCapacity } from './memory/capacity.ts';
import { MemoryInbox } from './memory/inbox.ts';
import { MemoryLog } from './memory/log.ts';

/** The journal of a single process that may forget when it ends. */
export interface MemoryJournalSettings {
  /**
   * How many events a consumer may lag behind before it loses the oldest of them. Others are not affected.
   * Default 100,000; never more than fit into a quarter of the heap.
   */
  readonly capacity?: number;
  /**
   * `block`: asks to come back later before any consumer is at its capacity. Who does not is accepted all the same, and
   * beyond the capacity it drops. Default `drop`.
   */
  readonly onFull?: OnFull;
}

/** A {@link Journal} in memory: an event is kept once, however many consumers have still to read it. */
export function memoryJournal({ capacity = 100_000, onFull = 'drop' }: MemoryJournalSettings = {}): Journal {
  const log = new MemoryLog(fittingCapacity(capacity), onFull);
  const inbox = new MemoryInbox();
  return {
    id: randomUUID(),
    persistent: false,
    beside: undefined,
    append: (events, consumers) => log.append(events, consumers),
    consumer: (name, listener) => log.consumer(name, listener),
    leave: (name) => log.leave(name),
    observe: (observer) => log.observe(observer),
    openInbox: async () => inbox,
    close: async () => {
      inbox.close();
      await log.close();
    },
  };
}
