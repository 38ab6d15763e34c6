import type { z } from 'zod';
import type { Clock } from '../model/clock.ts';
import type { Component } from '../model/component.ts';
import type { JournalAdmin } from './admin.ts';
import type { Journal } from './journal.ts';

/** What code hands to a journal (options are what the user wrote). */
export interface JournalHost {
  readonly clock: Clock;
}

/** A journal as a component: its options are those of the section `journal` with its type. */
export interface JournalDefinition<Schema extends z.ZodObject = z.ZodObject>
  extends Component<Schema, JournalHost, Journal | Promise<Journal>> {
  readonly options: Schema;
  /** What to say of it once it is open: a line each, no secrets. */
  describe(options: z.output<Schema>): readonly string[];
  /** Its administration, for another process. Absent where no other process can see it. */
  admin?(options: z.output<Schema>, host: JournalHost): Promise<JournalAdmin>;
}

/** Types the definition of a journal. Journals come with the package: what they promise is checked by tests, not by types alone. */
export function defineJournal<Schema extends z.ZodObject>(
  definition: JournalDefinition<Schema>,
): JournalDefinition<Schema> {
  return definition;
}
