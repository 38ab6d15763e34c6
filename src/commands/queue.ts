import { Command } from 'commander';
import type {
  Choice,
  Chosen,
  ConsumerPlace,
  JournalEntry,
  JournalFile,
} from '../journal/sqlite/operator/index.ts';
import { VconOtelError } from '../model/error.ts';
import { eventName } from '../model/event.ts';
import { cleanText, formatDuration, print, renderTable, safeJson } from '../timeline/index.ts';
import { type JournalPlace, parseLimit, parseUuid, takesJournal } from './arguments.ts';

/** What the command needs of the process it runs in. */
export interface QueueSettings {
  /** Gets what was asked for and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Gets remarks. */
  readonly stderr: NodeJS.WritableStream;
  /** The file of the journal that is meant, or that of `serve`. */
  readonly journalPath: (place: JournalPlace) => Promise<string>;
}

/**
 * `vcon-otel queue`: what each tracer has still to hear and what it will never hear, from the journal of a service
 * that may be running; as a table, or as one JSON document with `--json`.
 * @throws VconOtelError from its actions: `FILE_UNUSABLE` for the journal, `OPTIONS_INVALID` for a tracer or an event
 * that it does not know, `CONFIG_…` for the configuration
 */
export function queueCommand(settings: QueueSettings): Command {
  const queue = new Command('queue').description(
    'show and mend what tracers have still to hear, in a journal file',
  );
  const add = (name: string, description: string): Command =>
    takesJournal(queue.command(name).description(description)).option('--json', 'print one JSON document');
  add('stats', 'how each tracer stands')
    .option('--tracer <name>', 'only this one')
    .action((options: StatsOptions) => stats(options, settings));
  add('peek', 'the events that a tracer will hear next')
    .requiredOption('--tracer <name>', 'the tracer')
    .option('--limit <n>', 'how many at most; 0 for all', parseLimit, DEFAULT_LIMIT)
    .action((options: ListOptions) => list('peek', options, settings));
  add('dead', 'the events that were given up')
    .option('--tracer <name>', 'only of this tracer')
    .option(
      '--limit <n>',
      'how many of each tracer at most, the oldest ones; 0 for all',
      parseLimit,
      DEFAULT_LIMIT,
    )
    .action((options: ListOptions) => list('dead', options, settings));
  add('retry', 'have a tracer hear dead letters again')
    .argument('[event...]', 'ids of events, or of runs')
    .requiredOption('--tracer <name>', 'the tracer')
    .option('--all', 'all its dead letters')
    .option('--vcon <uuid>', 'all of this vCon', parseUuid)
    .action(async function (this: Command, ids: string[], options: ChangeOptions) {
      await change('retry', choiceOf(this, ids, options), options, settings);
    });
  add('skip', 'have a tracer never hear events that wait or are dead letters')
    .argument('[event...]', 'ids of events, or of runs')
    .requiredOption('--tracer <name>', 'the tracer')
    .option('--all-dead', 'all its dead letters')
    .action(async function (this: Command, ids: string[], options: ChangeOptions) {
      await change('skip', choiceOf(this, ids, options), options, settings);
    });
  return queue;
}

interface StatsOptions extends JournalPlace {
  readonly json?: true;
  readonly tracer?: string;
}

interface ListOptions extends StatsOptions {
  readonly limit: number;
}

interface ChangeOptions extends JournalPlace {
  readonly json?: true;
  readonly tracer: string;
  readonly all?: true;
  readonly allDead?: true;
  readonly vcon?: string;
}

const DEFAULT_LIMIT = 20;

function choiceOf(command: Command, ids: readonly string[], { all, allDead, vcon }: ChangeOptions): Choice {
  const choices: Choice[] = [
    ...(ids.length > 0 ? [{ of: 'ids', ids } as const] : []),
    ...(all || allDead ? [{ of: 'dead' } as const] : []),
    ...(vcon === undefined ? [] : [{ of: 'vcon', uuid: vcon } as const]),
  ];
  const [choice] = choices;
  if (choice && choices.length === 1) return choice;
  const ways = command.name() === 'retry' ? 'ids of events, --all or --vcon' : 'ids of events or --all-dead';
  return command.error(`error: queue ${command.name()} needs either ${ways}`, {
    exitCode: 2,
    code: 'queue.choice',
  });
}

async function stats(options: StatsOptions, settings: QueueSettings): Promise<void> {
  const { stdout } = settings;
  const journal = await openOperator();
  await journal.withJournalFile(await settings.journalPath(options), 'read', async (file) => {
    const found = chosenConsumers(journal.consumersOf(file), options.tracer).map((place) =>
      journal.consumerStats(file, place),
    );
    const now = Date.now();
    const age = (oldest: number | undefined) =>
      oldest === undefined ? undefined : Math.max(0, now - oldest) / 1e3;
    if (options.json) {
      const tracers = found.map(({ oldest, deadLetters, ...counts }) => ({
        ...counts,
        dead_letters: deadLetters,
        oldest_age: age(oldest) ?? null,
      }));
      await print(stdout, [`${safeJson({ tracers })}\n`]);
      return;
    }
    if (found.length === 0) return print(stdout, ['No tracer has a place in this journal yet.\n']);
    const rows = found.map((of) => {
      const seconds = age(of.oldest);
      return [
        of.tracer,
        of.depth,
        of.retrying,
        of.attempts,
        of.queued,
        of.deadLetters,
        of.ok,
        of.skipped,
        of.dropped,
        seconds === undefined ? '–' : formatDuration(seconds),
        of.position,
      ];
    });
    return print(stdout, [renderTable(STATS_HEAD, rows)]);
  });
}

const STATS_HEAD = [
  'tracer',
  'to hear',
  'retrying',
  'attempts',
  'queued',
  'dead letters',
  'delivered',
  'skipped',
  'dropped',
  'oldest',
  'position',
];

async function list(what: 'peek' | 'dead', options: ListOptions, settings: QueueSettings): Promise<void> {
  const { stdout } = settings;
  const journal = await openOperator();
  const read = what === 'peek' ? journal.eventsToHear : journal.deadLetters;
  await journal.withJournalFile(await settings.journalPath(options), 'read', async (file) => {
    const places = chosenConsumers(journal.consumersOf(file), options.tracer);
    const entries = everyEntry(places, (place) => read(file, place, options.limit));
    if (options.json) return print(stdout, jsonLines(entries));
    return print(stdout, tables(what, entries));
  });
}

function* everyEntry(
  places: readonly ConsumerPlace[],
  read: (place: ConsumerPlace) => Iterable<JournalEntry>,
): Generator<JournalEntry> {
  for (const place of places) yield* read(place);
}

function* jsonLines(entries: Iterable<JournalEntry>): Generator<string> {
  yield '{"events":[';
  let comma = '';
  for (const entry of entries) {
    yield `${comma}\n${safeJson(entryRecord(entry))}`;
    comma = ',';
  }
  yield '\n]}\n';
}

function entryRecord({ tracer, event, state, attempts, since, at, errorType }: JournalEntry) {
  return {
    tracer,
    event_id: event.eventId,
    event: eventName(event),
    chain: event.chain,
    link: event.link ?? null,
    storage: event.storage ?? null,
    vcon_uuid: event.inVconUuid,
    time: new Date(event.time).toISOString(),
    state,
    attempts,
    since: attempts > 0 && since !== undefined ? new Date(since).toISOString() : null,
    at: at === undefined ? null : new Date(at).toISOString(),
    error_type: errorType ?? null,
  };
}

/** Rows that are laid out together: a table of a million need not be held. */
const TABLE = 1_000;
const PEEK_HEAD = ['event', 'chain', 'step', 'vCon', 'age', 'state', 'attempts', 'last error'];
const DEAD_HEAD = ['tracer', 'event', 'chain', 'step', 'vCon', 'since', 'attempts', 'reason'];

function* tables(what: 'peek' | 'dead', entries: Iterable<JournalEntry>): Generator<string> {
  const now = Date.now();
  const [head, row] =
    what === 'peek' ? [PEEK_HEAD, (entry: JournalEntry) => peekRow(entry, now)] : [DEAD_HEAD, deadRow];
  let rows: (string | number)[][] = [];
  let isEmpty = true;
  for (const entry of entries) {
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

function deadRow({ tracer, event, state, since, attempts, errorType }: JournalEntry): (string | number)[] {
  const reason = state === 'failed' ? 'answered false' : (errorType ?? '');
  return [tracer, ...placeOf(event), new Date(since ?? 0).toISOString(), attempts, reason];
}

function placeOf({ eventId, chain, link, storage, inVconUuid }: JournalEntry['event']): string[] {
  return [eventId, chain, link ?? storage ?? '', inVconUuid];
}

async function change(
  what: 'retry' | 'skip',
  choice: Choice,
  options: ChangeOptions,
  settings: QueueSettings,
): Promise<void> {
  const { stdout, stderr } = settings;
  const journal = await openOperator();
  const work = what === 'retry' ? journal.queueAgain : journal.skip;
  await journal.withJournalFile(await settings.journalPath(options), 'write', async (file: JournalFile) => {
    const [place] = chosenConsumers(journal.consumersOf(file), options.tracer);
    const chosen: Chosen = place ? await work(file, place, choice) : { changed: 0, left: 0 };
    const { changed, left } = chosen;
    const key = what === 'retry' ? 'queued' : 'skipped';
    if (options.json)
      return print(stdout, [`${safeJson({ tracer: options.tracer, [key]: changed, left })}\n`]);
    const of = `${changed.toLocaleString('en')} ${changed === 1 ? 'event' : 'events'}`;
    const was = what === 'retry' ? 'no dead letters' : 'settled already';
    const rest = left > 0 ? `, ${left} left alone: ${was}` : '';
    await print(stdout, [`${key === 'queued' ? 'Queued again' : 'Skipped'}: ${of}${rest}\n`]);
    if (what === 'retry' && changed > 0 && !journal.isServed(file))
      stderr.write('No service has the journal open: they are delivered when one does.\n');
  });
}

function chosenConsumers(
  known: readonly ConsumerPlace[],
  name: string | undefined,
): readonly ConsumerPlace[] {
  if (name === undefined) return known;
  const found = known.filter((place) => place.name === name);
  if (found.length > 0) return found;
  const names = known.map((place) => cleanText(place.name)).join(', ') || 'none';
  throw new VconOtelError('OPTIONS_INVALID', `the journal knows no tracer ${name}; it knows ${names}`);
}

/** Loaded here: on Node 22 the very import of SQLite prints a warning. */
function openOperator() {
  return import('../journal/sqlite/operator/index.ts');
}
