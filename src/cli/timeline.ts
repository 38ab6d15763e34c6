import { Command, InvalidArgumentError, Option } from 'commander';
import type { TracePage } from '../config/trace-page.ts';
import type { JournalEntry, StoredRun } from '../journal/admin.ts';
import { VconOtelError } from '../model/error.ts';
import { eventName } from '../model/event.ts';
import { runOfEvents } from '../model/run-of-events.ts';
import { parseLimit, type WithJournal } from './arguments.ts';
import {
  deliveryRecord,
  drawnRun,
  drawRuns,
  findTraceFile,
  print,
  type RunDelivery,
  readRuns,
  renderDeliveries,
  renderRun,
  runRecord,
  safeJson,
  type Timeline,
  type TimelineRun,
} from './timeline/index.ts';

/** What the command needs of the process it runs in. */
export interface TimelineSettings {
  /** Gets the runs and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Gets remarks: what could not be read, what is not shown. */
  readonly stderr: NodeJS.WritableStream;
  readonly colour: boolean;
  /** Where headlines lead to. @throws ConfigError if what says so is wrong */
  readonly tracePage: () => TracePage | undefined;
  /** Columns of the terminal; undefined if there is none. */
  readonly columns: number | undefined;
  /** With the journal named, or that of `serve`. */
  readonly withJournal: WithJournal;
}

/** Where `vcon-otel demo` leaves its files by default. */
const DEMO_FOLDER = './vcon-otel-demo';
const DEFAULT_COLUMNS = 100;
const DEFAULT_LIMIT = 20;

/**
 * `vcon-otel timeline`: draws the runs of a file of spans or of a journal as waterfalls, as one SVG document, or prints
 * them as one JSON document `{"runs":[…]}`, a run on each line (`runRecord` says what a run holds). From a journal, each run
 * also has its `deliveries` at each tracer, except in SVG. A reader that goes away (`| head`) ends it quietly.
 * @throws VconOtelError from its action: `FILE_UNUSABLE` for a file that is missing, unreadable or without such a run,
 * `OPTIONS_INVALID` if the beginning of a uuid matches several vCons.
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
    .option('--width <px>', 'how wide an SVG is: below 600, as for a phone, bars are below names', parseWidth)
    .option('--limit <n>', 'how many runs at most, newest first; 0 for all', parseLimit, DEFAULT_LIMIT)
    .action(async function (this: Command, file: string | undefined, options: TimelineOptions) {
      const sources = [file !== undefined, options.last === true, options.journal !== undefined];
      if (sources.filter(Boolean).length !== 1)
        this.error('error: timeline needs exactly one of FILE, --last and --journal', {
          exitCode: 2,
          code: 'timeline.file',
        });
      if (options.width !== undefined && options.format !== 'svg')
        this.error('error: --width needs --format svg', { exitCode: 2, code: 'timeline.width' });
      if (options.journal === undefined) await showTimeline(file, options, settings);
      else await showJournal(options.journal, options, settings);
    });
}

/** What a picture is still legible at. @throws InvalidArgumentError */
function parseWidth(text: string): number {
  const width = parseLimit(text);
  if (width < 320 || width > 4000) throw new InvalidArgumentError('It is 320 to 4000 pixels.');
  return width;
}

interface TimelineOptions {
  readonly last?: true;
  /** True without a path. */
  readonly journal?: string | true;
  readonly vcon?: string;
  readonly format: 'text' | 'json' | 'svg';
  /** In pixels, of an SVG. */
  readonly width?: number;
  readonly limit: number;
}

/** @param file - undefined for the last demo. */
async function showTimeline(
  file: string | undefined,
  options: TimelineOptions,
  settings: TimelineSettings,
): Promise<void> {
  const { vcon, limit } = options;
  const path = file === undefined ? await findDemoFile() : await findTraceFile(file);
  const timeline = await readRuns(path, {
    limit,
    lastProcess: file === undefined,
    ...(vcon !== undefined && { vcon }),
  });
  remark(timeline, options, settings.stderr);
  if (timeline.runs.length === 0) throw withoutRuns(path, options, timeline.skipped > 0 ? READABLE : '');
  await print(settings.stdout, textsOf(timeline.runs.map(ofSpans), options, settings));
}

async function showJournal(
  place: string | true,
  options: TimelineOptions,
  settings: TimelineSettings,
): Promise<void> {
  const { vcon, limit } = options;
  await settings.withJournal(place === true ? {} : { journal: place }, async (journal) => {
    const { runs, older } = await journal.runs({ limit, ...(vcon !== undefined && { vcon }) });
    const shown = fromJournal(runs);
    const first = await shown.next();
    if (first.done) throw withoutRuns(journal.name, options);
    remark({ skipped: 0, dropped: 0, older }, options, settings.stderr);
    await print(settings.stdout, textsOf(startingWith(first.value, shown), options, settings));
  });
}

/** What to do about a file of something else. */
const READABLE =
  '; what can be read is OTLP in JSON (a line or a file for each request), and what the APIs of Tempo and Jaeger give, packed with gzip or not: export the trace as one of these';

function withoutRuns(path: string, { vcon }: TimelineOptions, advice = ''): VconOtelError {
  const what = vcon === undefined ? 'of a chain' : 'of that vCon';
  return new VconOtelError('FILE_UNUSABLE', `${path} has no run ${what}${advice}`);
}

/** A run with what is known of it besides its spans. */
interface ShownRun {
  readonly run: TimelineRun;
  /** Undefined if unknown: a file of spans does not say. */
  readonly deliveries: readonly RunDelivery[] | undefined;
}

/** At hand, or read one at a time. */
type ShownRuns = Iterable<ShownRun> | AsyncIterable<ShownRun>;

function ofSpans(run: TimelineRun): ShownRun {
  return { run, deliveries: undefined };
}

/** One at a time, so that memory does not grow with the journal's size. */
async function* fromJournal(runs: AsyncIterable<StoredRun>): AsyncGenerator<ShownRun, undefined> {
  for await (const { events, deliveries } of runs) {
    const made = deliveries.filter(({ event }) => event.calls !== 'none');
    yield { run: drawnRun(runOfEvents(events), { open: true }), deliveries: made.map(deliveryOf) };
  }
}

async function* startingWith<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}

function deliveryOf({ tracer, event, state, attempts, at, duration, errorType }: JournalEntry): RunDelivery {
  const hasEnded = state === 'ok' || state === 'dead';
  const subject = event.link ?? event.storage;
  return {
    tracer,
    eventId: event.eventId,
    event: subject === undefined ? eventName(event) : `${eventName(event)} ${subject}`,
    outcome: state,
    attempts,
    // Two clocks: the span's, and the wall clock.
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
  shown: ShownRuns,
  { format, width }: TimelineOptions,
  settings: TimelineSettings,
): AsyncIterable<string> {
  if (format === 'svg') return svgOf(shown, width);
  return format === 'json' ? jsonOf(shown) : textOf(shown, settings);
}

async function* svgOf(shown: ShownRuns, width: number | undefined): AsyncGenerator<string> {
  const runs: TimelineRun[] = [];
  for await (const { run } of shown) runs.push(run);
  yield drawRuns(runs, width);
}

async function* textOf(
  shown: ShownRuns,
  { colour, columns, tracePage }: TimelineSettings,
): AsyncGenerator<string> {
  const drawing = { width: columns ?? DEFAULT_COLUMNS, colour, tracePage: tracePage() };
  let between = '';
  for await (const { run, deliveries } of shown) {
    yield `${between}${renderRun(run, drawing)}\n`;
    if (deliveries && deliveries.length > 0) yield `${renderDeliveries(deliveries, colour)}\n`;
    between = '\n';
  }
}

async function* jsonOf(shown: ShownRuns): AsyncGenerator<string> {
  yield '{"runs":[';
  let comma = '';
  for await (const { run, deliveries } of shown) {
    const record = { ...runRecord(run), ...(deliveries && { deliveries: deliveries.map(deliveryRecord) }) };
    yield `${comma}\n${safeJson(record)}`;
    comma = ',';
  }
  yield '\n]}\n';
}
