import { Command } from 'commander';
import { keptSpans } from '../exporters/span-log/kept-spans.ts';
import type { Choice, JournalEntry } from '../journal/admin.ts';
import { VconOtelError } from '../model/error.ts';
import { eventName } from '../model/event.ts';
import { type JournalPlace, parseLimit, parseUuid, takesJournal, type WithJournal } from './arguments.ts';
import { handOverToAll, takesActor } from './operator.ts';
import { cleanText, formatDuration, print, renderTable, safeJson } from './timeline/index.ts';

/** What the command needs of the process it runs in. */
export interface QueueSettings {
  /** Gets the requested output and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Gets remarks. */
  readonly stderr: NodeJS.WritableStream;
  /** With the journal named, or that of `serve`. */
  readonly withJournal: WithJournal;
}

/**
 * `vcon-otel queue`: what each tracer has yet to hear and what it will never hear, from the journal of a service
 * that may be running; as a table, or as one JSON document with `--json`.
 * @throws VconOtelError from its actions: `FILE_UNUSABLE` for the journal, `OPTIONS_INVALID` for a tracer or an event
 * that the journal does not know, `CONFIG_…` for the configuration
 */
export function queueCommand(settings: QueueSettings): Command {
  const queue = new Command('queue').description(
    'show and fix what tracers have yet to hear, in a journal file',
  );
  const add = (name: string, description: string): Command =>
    takesJournal(queue.command(name).description(description)).option('--json', 'print one JSON document');
  const addDecision = (name: string, description: string): Command => takesActor(add(name, description));
  add('stats', 'how far each tracer is')
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
      'how many of each tracer at most, oldest first; 0 for all',
      parseLimit,
      DEFAULT_LIMIT,
    )
    .action((options: ListOptions) => list('dead', options, settings));
  addDecision('retry', 'have a tracer hear dead letters again')
    .argument('[event...]', 'ids of events, or of runs')
    .requiredOption('--tracer <name>', 'the tracer')
    .option('--all', 'all its dead letters')
    .option('--vcon <uuid>', 'all of this vCon', parseUuid)
    .action(async function (this: Command, ids: string[], options: ChangeOptions) {
      await change('retry', choiceOf(this, ids, options), options, settings);
    });
  addDecision('skip', 'have a tracer never hear events that wait or are dead letters')
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
  readonly actor?: string;
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
  await settings.withJournal(options, async (journal) => {
    const names = chosenTracers(await journal.tracers(), options.tracer);
    const found = await Promise.all(names.map((name) => journal.stats(name)));
    const spans = options.tracer === undefined ? await keptSpans(journal.beside) : [];
    const now = Date.now();
    const age = (oldest: number | undefined) =>
      oldest === undefined ? undefined : Math.max(0, now - oldest) / 1e3;
    if (options.json) {
      const tracers = found.map(({ oldest, deadLetters, ...counts }) => ({
        ...counts,
        dead_letters: deadLetters,
        oldest_age: age(oldest) ?? null,
      }));
      const exporters = spans.map(({ exporter, spans: count, oldest, size }) => ({
        exporter,
        spans: count,
        oldest_age: age(oldest) ?? null,
        size,
      }));
      await print(stdout, [`${safeJson({ tracers, ...(options.tracer === undefined && { exporters }) })}\n`]);
      return;
    }
    if (found.length === 0) await print(stdout, ['No tracer has a place in this journal yet.\n']);
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
    const exporters = spans.map(({ exporter, spans: count, oldest, size }) => {
      const seconds = age(oldest);
      return [
        exporter,
        count,
        seconds === undefined ? '–' : formatDuration(seconds),
        `${(size / 2 ** 20).toFixed(1)} MiB`,
      ];
    });
    return print(stdout, [
      ...(rows.length > 0 ? [renderTable(STATS_HEAD, rows)] : []),
      ...(exporters.length > 0 ? [`\n${renderTable(EXPORTERS_HEAD, exporters)}`] : []),
    ]);
  });
}

const EXPORTERS_HEAD = ['exporter', 'spans to send', 'oldest', 'on the disk'];
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
  await settings.withJournal(options, async (journal) => {
    const { limit } = options;
    const names = chosenTracers(await journal.tracers(), options.tracer);
    const entries = everyEntry(names, (name) =>
      what === 'peek' ? journal.eventsToHear(name, limit) : journal.deadLetters(name, limit),
    );
    if (options.json) return print(stdout, jsonLines(entries));
    return print(stdout, tables(what, entries));
  });
}

async function* everyEntry(
  tracers: readonly string[],
  read: (tracer: string) => AsyncIterable<JournalEntry>,
): AsyncGenerator<JournalEntry> {
  for (const tracer of tracers) yield* read(tracer);
}

async function* jsonLines(entries: AsyncIterable<JournalEntry>): AsyncGenerator<string> {
  yield '{"events":[';
  let comma = '';
  for await (const entry of entries) {
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
  return [tracer, ...placeOf(event), new Date(since ?? 0).toISOString(), attempts, errorType ?? ''];
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
  await settings.withJournal(options, async (journal) => {
    chosenTracers(await journal.tracers(), options.tracer);
    const chosen = await journal[what](options.tracer, choice);
    const { changed, left } = chosen;
    if (changed > 0)
      await handOverToAll(options, deedOf(what, choice, options, changed), options.actor, stderr);
    const key = what === 'retry' ? 'queued' : 'skipped';
    if (options.json)
      return print(stdout, [`${safeJson({ tracer: options.tracer, [key]: changed, left })}\n`]);
    const of = `${changed.toLocaleString('en')} ${changed === 1 ? 'event' : 'events'}`;
    const was = what === 'retry' ? 'no dead letters' : 'settled already';
    const rest = left > 0 ? `, ${left} left alone: ${was}` : '';
    await print(stdout, [`${key === 'queued' ? 'Queued again' : 'Skipped'}: ${of}${rest}\n`]);
    if (what === 'retry' && changed > 0 && !(await journal.isServed()))
      stderr.write('No service has the journal open: they are delivered once one has.\n');
  });
}

/** What the ledgers are told of it. */
function deedOf(what: 'retry' | 'skip', choice: Choice, { tracer }: ChangeOptions, events: number) {
  return {
    event: what === 'retry' ? 'events_requeued' : 'events_skipped',
    tracer,
    events,
    ...(choice.of === 'ids' && { event_ids: [...choice.ids] }),
    ...(choice.of === 'vcon' && { vcon_uuid: choice.uuid }),
  } as const;
}

function chosenTracers(known: readonly string[], name: string | undefined): readonly string[] {
  if (name === undefined) return known;
  if (known.includes(name)) return [name];
  const names = known.map(cleanText).join(', ') || 'none';
  throw new VconOtelError('OPTIONS_INVALID', `the journal knows no tracer ${name}; it knows ${names}`);
}
