import type { JournalEntry } from '../../journal/admin.ts';
import { VconOtelError } from '../../model/error.ts';
import { cleanText, formatDuration, print, renderTable, safeJson } from '../timeline/index.ts';
import { chosenTracers } from './chosen-tracers.ts';
import { deadLetterText } from './dead-letter.ts';
import { entryRecord, isoTime, letterRecord } from './entry-record.ts';
import type { QueueSettings } from './queue-settings.ts';
import type { StatsOptions } from './stats.ts';

/** Which events are listed. */
export interface ListOptions extends StatsOptions {
  readonly limit: number;
}

/** Which dead letters are listed, or which is shown. */
export interface DeadOptions extends ListOptions {
  readonly reason?: (errorType: string) => boolean;
  readonly event?: string;
}

/** Lists what tracers hear next, or what was given up. */
export async function list(
  what: 'peek' | 'dead',
  options: DeadOptions,
  settings: QueueSettings,
): Promise<void> {
  const { stdout } = settings;
  await settings.withJournal(options, async (journal) => {
    const { limit, reason: hasReason } = options;
    const names = chosenTracers(await journal.tracers(), options.tracer);
    const entries = everyEntry(names, (name) =>
      what === 'peek' ? journal.eventsToHear(name, limit) : journal.deadLetters(name, limit, { hasReason }),
    );
    if (options.json) return print(stdout, jsonLines(entries, entryRecord));
    return print(stdout, tables(what, entries));
  });
}

/**
 * Shows one dead letter, of each tracer that has it.
 * @throws VconOtelError `OPTIONS_INVALID` where none has
 */
export async function showDeadLetter(
  id: string,
  options: DeadOptions,
  settings: QueueSettings,
): Promise<void> {
  const { stdout } = settings;
  await settings.withJournal(options, async (journal) => {
    const names = chosenTracers(await journal.tracers(), options.tracer);
    const found: JournalEntry[] = [];
    for await (const entry of everyEntry(names, (name) => journal.deadLetters(name, 0)))
      if (entry.event.eventId === id) found.push(entry);
    if (found.length === 0)
      throw new VconOtelError('OPTIONS_INVALID', `no tracer has a dead letter ${cleanText(id)}`, {
        path: '--event',
      });
    return print(
      stdout,
      options.json ? jsonLines(found, letterRecord) : [found.map(deadLetterText).join('\n')],
    );
  });
}

async function* everyEntry(
  tracers: readonly string[],
  read: (tracer: string) => AsyncIterable<JournalEntry>,
): AsyncGenerator<JournalEntry> {
  for (const tracer of tracers) yield* read(tracer);
}

async function* jsonLines(
  entries: AsyncIterable<JournalEntry> | Iterable<JournalEntry>,
  recordOf: (entry: JournalEntry) => unknown,
): AsyncGenerator<string> {
  yield '{"events":[';
  let comma = '';
  for await (const entry of entries) {
    yield `${comma}\n${safeJson(recordOf(entry))}`;
    comma = ',';
  }
  yield '\n]}\n';
}

/** How many rows are laid out together, so that a table of a million rows is not held in memory. */
const TABLE = 1_000;
const PEEK_HEAD = ['event', 'chain', 'step', 'vCon', 'age', 'state', 'attempts', 'last error'];
const DEAD_HEAD = ['tracer', 'event', 'chain', 'step', 'vCon', 'since', 'attempts', 'reason'];

async function* tables(what: 'peek' | 'dead', entries: AsyncIterable<JournalEntry>): AsyncGenerator<string> {
  const now = Date.now();
  const [head, row] =
    what === 'peek' ? [PEEK_HEAD, (entry: JournalEntry) => peekRow(entry, now)] : [DEAD_HEAD, deadRow];
  let rows: (string | number)[][] = [];
  let isEmpty = true;
  for await (const entry of entries) {
    rows.push(row(entry));
    isEmpty = false;
    if (rows.length < TABLE) continue;
    yield renderTable(head, rows);
    rows = [];
  }
  if (rows.length > 0) yield renderTable(head, rows);
  if (isEmpty) yield what === 'peek' ? 'Nothing is waiting.\n' : 'There are no dead letters.\n';
}

function peekRow({ event, state, attempts, errorType }: JournalEntry, now: number): (string | number)[] {
  const age = formatDuration(Math.max(0, now - event.time) / 1e3);
  return [...placeOf(event), age, state, attempts, errorType ?? ''];
}

function deadRow({ tracer, event, since, attempts, errorType }: JournalEntry): (string | number)[] {
  return [tracer, ...placeOf(event), isoTime(since ?? 0), attempts, errorType ?? ''];
}

function placeOf({ eventId, chain, link, storage, inVconUuid }: JournalEntry['event']): string[] {
  return [eventId, chain, link ?? storage ?? '', inVconUuid];
}
