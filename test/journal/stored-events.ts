import type { DatabaseSync } from 'node:sqlite';
import { Pages } from '../../src/journal/sqlite/writer/pages.ts';
import { Statements } from '../../src/journal/sqlite/writer/statements.ts';
import type { ChainEvent } from '../../src/model/event.ts';

/** The events in a journal's file after a seq, in their order, as its pages have them. */
export function storedEvents(db: DatabaseSync, after = 0): { seq: number; event: ChainEvent }[] {
  return [...new Pages(new Statements(db)).between(after, Number.MAX_SAFE_INTEGER)].flatMap(
    ({ first, page }) =>
      Array.from({ length: page.count }, (_, at) => ({ seq: first + at, event: page.event(at) })).filter(
        ({ seq }) => seq > after,
      ),
  );
}
