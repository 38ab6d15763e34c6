import { Command, Option } from 'commander';
import type { JournalEntry, StoredRun } from '../journal/sqlite/operator/index.ts';
import { VconOtelError } from '../model/error.ts';
import { eventName } from '../model/event.ts';
import {
  deliveryRecord,
  drawRuns,
  findTraceFile,
  print,
  type RunDelivery,
  readRuns,
  renderDeliveries,
  renderRun,
  runOfEvents,
  runRecord,
  safeJson,
  type Timeline,
  type TimelineRun,
} from '../timeline/index.ts';
import { parseLimit } from './arguments.ts';

/** What the command needs of the process it runs in. */
export interface TimelineSettings {
  /** Gets the runs and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Gets remarks: what could not be read, what is not shown. */
  readonly stderr: NodeJS.WritableStream;
  readonly colour: boolean;
  /** Columns of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
  /** The file of the journal that is meant, or that of `serve`. */
  readonly journalPath: (place: { readonly journal?: string }) => Promise<string>;
}

/** Where `vcon-otel demo` leaves its files unless told otherwise. */
const DEMO_FOLDER = './vcon-otel-demo';
const DEFAULT_COLUMNS = 100;
const DEFAULT_LIMIT = 20;

/**
 * `vcon-otel timeline`: draws the runs of a file of spans or of a journal as waterfalls, as one SVG document, or prints
 * them as one JSON document `{"runs":[…]}`, a run on each line (`runRecord` says what a run holds). Of a journal each run
 * also has its `deliveries` at each tracer, but for the SVG. A reader that goes away (`| head`) ends it quietly.
 * @throws VconOtelError from its action: `FILE_UNUSABLE` for a file that is missing, unreadable or without such a run,
 * `OPTIONS_INVALID` where the beginning of a uuid fits several vCons.
 */
export function timelineCommand(settings: TimelineSettings): Command {
  return new Command('timeline')
    .description('draw the runs of a file of spans (OTLP JSON lines), or of a journal, as waterfalls')
    .argument('[FILE]', 'the file, or a folder with traces.otlp.jsonl')
    .option('--last', `the last demo: ${DEMO_FOLDER}`)
    .option('--journal [path]', 'the runs of a journal and their deliveries (default: that of serve)')
    .option('--vcon <uuid>', 'only runs of this vCon (its uuid, or the beginning of it)')
    .addOption(
      new Option('--format <format>', 'how to show them').choices(['text', 'json', 'svg']).default('text'),
    )
    .option(
      '--limit <n>',
      'how many runs at most, the most recent ones; 0 for all',
      parseLimit,
      DEFAULT_LIMIT,
    )
    .action(async function (this: Command, file: string | undefined, options: TimelineOptions) {
      const sources = [file !== undefined, options.last === true, options.journal !== undefined];
      if (sources.filter(Boolean).length !== 1)
        this.error('error: timeline needs either a FILE, --last or --journal', {
          exitCode: 2,
          code: 'timeline.file',
        });
      if (options.journal === undefined) await showTimeline(file, options, settings);
      else await showJournal(options.journal, options, settings);
    });
}

interface TimelineOptions {
  readonly last?: true;
  /** True without a path. */
  readonly journal?: string | true;
  readonly vcon?: string;
  readonly format: 'text' | 'json' | 'svg';
  readonly limit: number;
}

/** @param file - undefined for the last demo. */
async function showTimeline(
  file: string | undefined,
  options: TimelineOptions,
  settings: TimelineSettings,
): Promise<void> {
  const { vcon, format, limit } = options;
  const path = file === undefined ? await findDemoFile() : await findTraceFile(file);
  const timeline = await readRuns(path, {
    limit,
    lastProcess: file === undefined,
    ...(vcon !== undefined && { vcon }),
  });
  remark(timeline, options, settings.stderr);
  if (timeline.runs.length === 0) throw withoutRuns(path, options);
  await print(settings.stdout, textsOf(timeline.runs.map(ofSpans), format, settings));
}

async function showJournal(
  place: string | true,
  options: TimelineOptions,
  settings: TimelineSettings,
): Promise<void> {
  const { vcon, format, limit } = options;
  // Loaded here: on Node 22 the very import of SQLite prints a warning.
  const journal = await import('../journal/sqlite/operator/index.ts');
  const path = await settings.journalPath(place === true ? {} : { journal: place });
  await journal.withJournalFile(path, 'read', async (file) => {
    const { runs, older } = journal.storedRuns(file, { limit, ...(vcon !== undefined && { vcon }) });
    const told = tell(runs);
    const first = told.next();
    if (first.done) throw withoutRuns(path, options);
    remark({ skipped: 0, dropped: 0, older }, options, settings.stderr);
    await print(settings.stdout, textsOf(startingWith(first.value, told), format, settings));
  });
}

function withoutRuns(path: string, { vcon }: TimelineOptions): VconOtelError {
  const what = vcon === undefined ? 'of a chain' : 'of that vCon';
  return new VconOtelError('FILE_UNUSABLE', `${path} has no run ${what}`);
}

/** A run with what there is to say of it beside its spans. */
interface Told {
  readonly run: TimelineRun;
  /** Undefined where nobody knows: a file of spans does not tell. */
  readonly deliveries: readonly RunDelivery[] | undefined;
}

function ofSpans(run: TimelineRun): Told {
  return { run, deliveries: undefined };
}

/** One at a time, so that memory does not follow the journal's size. */
function* tell(runs: Iterable<StoredRun>): Generator<Told, undefined> {
  for (const { events, deliveries } of runs)
    yield { run: runOfEvents(events), deliveries: deliveries.map(deliveryOf) };
}

function* startingWith<T>(first: T, rest: Iterable<T>): Generator<T> {
  yield first;
  yield* rest;
}

function deliveryOf({ tracer, event, state, attempts, at, duration, errorType }: JournalEntry): RunDelivery {
  const hasEnded = state === 'ok' || state === 'failed' || state === 'dead';
  const subject = event.link ?? event.storage;
  return {
    tracer,
    eventId: event.eventId,
    event: subject === undefined ? eventName(event) : `${eventName(event)} ${subject}`,
    outcome: state,
    attempts,
    // Two clocks: that of the span, and the wall's.
    latency: hasEnded && at !== undefined ? Math.max(0, at - event.time) / 1e3 : undefined,
    duration: attempts > 0 ? duration : undefined,
    errorType,
  };
}

async function findDemoFile(): Promise<string> {
  try {
    return await findTraceFile(DEMO_FOLDER);
  } catch (cause) {
    throw new VconOtelError(
      'FILE_UNUSABLE',
      `No spans of a demo in ${DEMO_FOLDER}: run vcon-otel demo first`,
      { cause },
    );
  }
}

function remark(
  { skipped, dropped, older }: Omit<Timeline, 'runs'>,
  { limit }: TimelineOptions,
  stderr: NodeJS.WritableStream,
): void {
  if (skipped > 0) stderr.write(`Unreadable lines and spans left out: ${skipped}\n`);
  if (dropped > 0) stderr.write(`Spans of very long runs not shown: ${dropped}\n`);
  if (older) stderr.write(`Older runs are not shown (--limit ${limit}; 0 shows all)\n`);
}

function textsOf(
  told: Iterable<Told>,
  format: TimelineOptions['format'],
  settings: TimelineSettings,
): Iterable<string> {
  if (format === 'svg') return [drawRuns(Array.from(told, ({ run }) => run))];
  return format === 'json' ? jsonOf(told) : textOf(told, settings);
}

function* textOf(told: Iterable<Told>, { colour, columns }: TimelineSettings): Generator<string> {
  let between = '';
  for (const { run, deliveries } of told) {
    yield `${between}${renderRun(run, { width: columns ?? DEFAULT_COLUMNS, colour })}\n`;
    if (deliveries && deliveries.length > 0) yield `${renderDeliveries(deliveries, colour)}\n`;
    between = '\n';
  }
}

function* jsonOf(told: Iterable<Told>): Generator<string> {
  yield '{"runs":[';
  let comma = '';
  for (const { run, deliveries } of told) {
    const record = { ...runRecord(run), ...(deliveries && { deliveries: deliveries.map(deliveryRecord) }) };
    yield `${comma}\n${safeJson(record)}`;
    comma = ',';
  }
  yield '\n]}\n';
}
