import { setTimeout as pause } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { period } from '../config/duration.ts';
import type { Terminal } from '../demo/progress.ts';
import type {
  JournalFile,
  Replay,
  ReplayAim,
  Replayed,
  ReplayPlan,
} from '../journal/sqlite/operator/index.ts';
import { formatDuration, safeJson } from '../timeline/index.ts';
import { type JournalPlace, parseUuid, takesJournal } from './arguments.ts';

/** What the command needs of the process it runs in. */
export interface ReplaySettings {
  readonly stdout: NodeJS.WritableStream;
  /** Gets the progress; redrawn in place where it is a terminal. */
  readonly stderr: Terminal;
  /** Resolves with the name of the signal that asks the process to end. */
  readonly signal: () => Promise<string>;
  /** The file of the journal that is meant, or that of `serve`. */
  readonly journalPath: (place: JournalPlace) => Promise<string>;
}

/**
 * `vcon-otel replay`: has a tracer hear events again, or for the first time, that the journal still has. They are
 * queued in the journal; the service delivers them, and the command watches it. Exit code 1 if any of them becomes a
 * dead letter, 130 if it was interrupted.
 * @throws VconOtelError from its action: `FILE_UNUSABLE` for the journal, `CONFIG_…` for the configuration
 */
export function replayCommand(settings: ReplaySettings): Command {
  return takesJournal(new Command('replay'))
    .description('have a tracer hear events of the past, which a journal file still has')
    .requiredOption('--tracer <name>', 'the tracer; one that is new to the journal gets its place')
    .option(
      '--since <time>',
      'events from then on: an ISO 8601 date or time, or so long ago (2h, 1d)',
      parseTime,
    )
    .option('--until <time>', 'events before then', parseTime)
    .option('--vcon <uuid>', 'only runs of this vCon', parseUuid)
    .option('--dry-run', 'count them and change nothing')
    .option('--no-wait', 'do not watch the delivery')
    .option('--json', 'print one JSON summary')
    .action(async function (this: Command, options: ReplayOptions) {
      const { since, until } = options;
      if (since !== undefined && until !== undefined && since >= until)
        this.error('error: --since must be before --until', { exitCode: 2, code: 'replay.range' });
      await replay(options, settings);
    });
}

interface ReplayOptions extends JournalPlace {
  readonly tracer: string;
  readonly since?: number;
  readonly until?: number;
  readonly vcon?: string;
  readonly dryRun?: true;
  readonly wait: boolean;
  readonly json?: true;
}

/** Milliseconds since the Unix epoch. */
function parseTime(text: string): number {
  const ago = period().safeParse(text);
  if (ago.success) return Date.now() - ago.data;
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new InvalidArgumentError('It is a date, a time (2026-01-31T12:00:00Z) or a duration (2h, 1d).');
  return time;
}

async function replay(options: ReplayOptions, settings: ReplaySettings): Promise<void> {
  const { tracer, since, until, vcon, dryRun = false, json = false } = options;
  const aim: ReplayAim = { tracer, since, until, vcon };
  // Loaded here: on Node 22 the very import of SQLite prints a warning.
  const journal = await import('../journal/sqlite/operator/index.ts');
  await journal.withJournalFile(
    await settings.journalPath(options),
    dryRun ? 'read' : 'write',
    async (file) => {
      const plan = journal.planReplay(file, aim);
      if (plan.isNew)
        settings.stderr.write(
          `The journal knows no tracer ${tracer} yet${dryRun ? '' : ': it gets a place'}.\n`,
        );
      if (dryRun) {
        settings.stdout.write(json ? jsonOf(aim, plan, { queued: 0 }) : `Would queue ${sizeOf(plan)}.\n`);
        return;
      }
      const isServed = journal.isServed(file);
      const course: Course = {
        file,
        plan,
        replay: new journal.Replay(file, aim),
        // A service that is there does not know a tracer that is new to its journal.
        watches: options.wait && isServed && !plan.isNew,
        isServed: () => journal.isServed(file),
      };
      const result = await follow(course, settings);
      settings.stdout.write(
        json ? jsonOf(aim, plan, { ...result, service: isServed }) : textOf(aim, plan, result, isServed),
      );
      if (result.interrupted) process.exitCode = 130;
      else if (result.became && result.became.dead + result.became.failed > 0) process.exitCode = 1;
    },
  );
}

interface Course {
  readonly file: JournalFile;
  readonly plan: ReplayPlan;
  readonly replay: Replay;
  readonly watches: boolean;
  isServed(): boolean;
}

interface Result {
  readonly queued: number;
  /** Undefined if nobody watched. */
  readonly became: Replayed | undefined;
  readonly interrupted: boolean;
  readonly serviceEnded: boolean;
  readonly seconds: number;
}

/** Milliseconds between two looks at least; a look may take this part of the time at most. */
const LOOK = 250;
const SHARE = 5;

async function follow(
  { plan, replay, watches, isServed }: Course,
  settings: ReplaySettings,
): Promise<Result> {
  const began = performance.now();
  const progress = new Progress(settings.stderr);
  const stop = new AbortController();
  void settings.signal().then(() => stop.abort());
  let queued = 0;
  for await (const soFar of replay.queue()) {
    queued = soFar;
    progress.show(`${thousands(queued)} of ${amount(plan.events)} queued`);
    if (stop.signal.aborted) break;
  }
  let became: Replayed | undefined;
  let serviceEnded = false;
  while (watches && !serviceEnded && !stop.signal.aborted) {
    const before = performance.now();
    became = replay.look();
    const open = openOf(became);
    progress.show(`${thousands(queued - open)} of ${amount(queued)} settled${retrying(became)}`);
    if (open === 0) break;
    serviceEnded = !isServed();
    const took = performance.now() - before;
    await pause(Math.max(LOOK, took * SHARE), undefined, { signal: stop.signal }).catch(() => undefined);
  }
  // What was settled since the last look.
  if (became) became = replay.look();
  progress.end();
  const seconds = (performance.now() - began) / 1e3;
  return { queued, became, interrupted: stop.signal.aborted, serviceEnded, seconds };
}

function openOf({ queued, retrying }: Replayed): number {
  return queued + retrying;
}

function retrying({ retrying }: Replayed): string {
  return retrying > 0 ? `, ${thousands(retrying)} retrying` : '';
}

function sizeOf({ events, waiting }: ReplayPlan): string {
  return `${amount(events)}${stillToHear(waiting)}`;
}

function stillToHear(waiting: number): string {
  return waiting > 0 ? ` (${thousands(waiting)} more are still to be heard anyway)` : '';
}

function textOf(
  { tracer }: ReplayAim,
  plan: ReplayPlan,
  { queued, became, interrupted, serviceEnded, seconds }: Result,
  isServed: boolean,
): string {
  const lines = [`Queued for ${tracer}: ${amount(queued)}${stillToHear(plan.waiting)}`];
  if (interrupted && queued < plan.events)
    lines.push(`Interrupted: of ${thousands(plan.events)} the rest is not queued.`);
  if (became) {
    const counts = [
      [became.ok, 'delivered'],
      [became.dead + became.failed, 'dead letters'],
      [became.skipped, 'skipped (also: of chains it does not hear)'],
      [became.dropped + became.gone, 'dropped'],
      [openOf(became), 'still to come'],
    ] as const;
    const shown = counts.filter(([count], index) => index === 0 || count > 0);
    lines.push(
      `After ${formatDuration(seconds)}: ${shown.map(([n, what]) => `${thousands(n)} ${what}`).join(', ')}`,
    );
  }
  const open = became ? openOf(became) : queued;
  if (open > 0) lines.push(whatNext(plan, interrupted, isServed && !serviceEnded));
  return `${lines.join('\n')}\n`;
}

function whatNext({ isNew }: ReplayPlan, interrupted: boolean, isServed: boolean): string {
  if (isServed && isNew)
    return 'They are delivered when a service has this tracer: restart it with one that is configured.';
  if (isServed)
    return interrupted
      ? 'Only watching has stopped: the service goes on delivering.'
      : 'The service delivers them; vcon-otel queue stats shows how far it is.';
  return 'No service has the journal open: they are delivered when one does.';
}

function jsonOf(
  { tracer }: ReplayAim,
  { events, waiting, isNew }: ReplayPlan,
  {
    queued,
    became,
    interrupted = false,
    service = false,
    serviceEnded = false,
  }: Partial<Result> & {
    readonly queued: number;
    readonly service?: boolean;
  },
): string {
  return `${safeJson({
    tracer,
    new: isNew,
    events,
    already_waiting: waiting,
    queued,
    service: service && !serviceEnded,
    interrupted,
    deliveries: became ?? null,
  })}\n`;
}

function amount(events: number): string {
  return `${thousands(events)} ${events === 1 ? 'event' : 'events'}`;
}

function thousands(count: number): string {
  return count.toLocaleString('en');
}

/** Milliseconds between two lines of progress: where they are drawn over each other, and elsewhere. */
const REDRAW = 100;
const LINE = 5_000;

/** One line that changes on a terminal; now and then a line elsewhere. */
class Progress {
  readonly #stderr: Terminal;
  readonly #every: number;
  #shown = performance.now();

  constructor(stderr: Terminal) {
    this.#stderr = stderr;
    this.#every = stderr.isTTY ? REDRAW : LINE;
  }

  show(line: string): void {
    const now = performance.now();
    if (now - this.#shown < this.#every) return;
    this.#shown = now;
    this.#stderr.write(this.#stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
  }

  end(): void {
    if (this.#stderr.isTTY) this.#stderr.write('\r\u001b[K');
  }
}
