import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { VconOtelError } from '../model/error.ts';
import { findTraceFile, readRuns, renderRun, runRecord, safeJson, type Timeline } from '../timeline/index.ts';

/** What the command needs of the process it runs in. */
export interface TimelineSettings {
  /** Gets the runs and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Gets remarks: what could not be read, what is not shown. */
  readonly stderr: NodeJS.WritableStream;
  readonly colour: boolean;
  /** Columns of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
}

/** Where `vcon-otel demo` leaves its files unless told otherwise. */
const DEMO_FOLDER = './vcon-otel-demo';
const DEFAULT_COLUMNS = 100;
const DEFAULT_LIMIT = 20;

/**
 * `vcon-otel timeline`: draws the runs of a file of spans as waterfalls, or prints them as one JSON document
 * `{"runs":[…]}`, a run on each line (`runRecord` says what a run holds). A reader that goes away (`| head`) ends it
 * quietly.
 * @throws VconOtelError from its action: `FILE_UNUSABLE` for a file that is missing, unreadable or without such a run,
 * `OPTIONS_INVALID` where the beginning of a uuid fits several vCons.
 */
export function timelineCommand(settings: TimelineSettings): Command {
  return new Command('timeline')
    .description('draw the runs of a file of spans (OTLP JSON lines) as waterfalls')
    .argument('[FILE]', 'the file, or a folder with traces.otlp.jsonl')
    .option('--last', `the last demo: ${DEMO_FOLDER}`)
    .option('--vcon <uuid>', 'only runs of this vCon (its uuid, or the beginning of it)')
    .addOption(new Option('--format <format>', 'how to show them').choices(['text', 'json']).default('text'))
    .option(
      '--limit <n>',
      'how many runs at most, the most recent ones; 0 for all',
      parseLimit,
      DEFAULT_LIMIT,
    )
    .action(async function (this: Command, file: string | undefined, options: TimelineOptions) {
      if ((file === undefined) === (options.last !== true))
        this.error('error: timeline needs either a FILE or --last', { exitCode: 2, code: 'timeline.file' });
      await showTimeline(file, options, settings);
    });
}

interface TimelineOptions {
  readonly last?: true;
  readonly vcon?: string;
  readonly format: 'text' | 'json';
  readonly limit: number;
}

function parseLimit(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
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
  if (timeline.runs.length === 0)
    throw new VconOtelError(
      'FILE_UNUSABLE',
      `${path} has no run ${vcon === undefined ? 'of a chain' : 'of that vCon'}`,
    );
  const texts = format === 'json' ? jsonOf(timeline) : textOf(timeline, settings);
  try {
    await pipeline(Readable.from(texts), settings.stdout, { end: false });
  } catch (error) {
    if (!isClosedByReader(error)) throw error;
  }
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
  { skipped, dropped, older }: Timeline,
  { limit }: TimelineOptions,
  stderr: NodeJS.WritableStream,
): void {
  if (skipped > 0) stderr.write(`Unreadable lines and spans left out: ${skipped}\n`);
  if (dropped > 0) stderr.write(`Spans of very long runs not shown: ${dropped}\n`);
  if (older) stderr.write(`Older runs are not shown (--limit ${limit}; 0 shows all)\n`);
}

function* textOf({ runs }: Timeline, { colour, columns }: TimelineSettings): Generator<string> {
  for (const [index, run] of runs.entries())
    yield `${index > 0 ? '\n' : ''}${renderRun(run, { width: columns ?? DEFAULT_COLUMNS, colour })}\n`;
}

function* jsonOf({ runs }: Timeline): Generator<string> {
  yield '{"runs":[';
  for (const [index, run] of runs.entries()) yield `${index > 0 ? ',' : ''}\n${safeJson(runRecord(run))}`;
  yield '\n]}\n';
}

function isClosedByReader(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
  );
}
