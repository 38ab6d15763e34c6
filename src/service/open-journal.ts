import type { LoadedConfig } from '../config/load-config.ts';
import type { EventLog, EventLogState } from '../journal/event-log.ts';
import type { Journal } from '../journal/journal.ts';
import { memoryJournal } from '../journal/memory.ts';
import { systemClock } from '../model/clock.ts';
import { journalOf } from './components.ts';

/** A journal that is open. */
export interface OpenJournal {
  readonly journal: Journal;
  /** What it said last. */
  state(): EventLogState;
  /** What to say of the one that was configured, a line each. */
  readonly lines: readonly string[];
}

/**
 * Opens the journal that a configuration names.
 * @throws VconOtelError `FILE_UNUSABLE`, `JOURNAL_IN_USE`
 */
export async function openJournal(loaded: LoadedConfig): Promise<OpenJournal> {
  const { definition, options } = await journalOf(loaded).find();
  // With OTEL_SDK_DISABLED nothing will come; what is in a file is for a process that hears it.
  const journal = loaded.environment.disabled
    ? memoryJournal()
    : await definition.create(options, { clock: systemClock });
  return { journal, state: watchState(journal), lines: definition.describe(options) };
}

function watchState(journal: EventLog): () => EventLogState {
  let last: EventLogState = { full: false, room: 0, failing: false, size: undefined };
  journal.observe({
    onState: (state) => {
      last = state;
    },
  });
  return () => last;
}
