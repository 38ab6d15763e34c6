import { setTimeout as pause } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import type { Replay, ReplayAim, Replayed, ReplayPlan } from '../journal/admin.ts';
import { VconOtelError } from '../model/error.ts';
import { period } from '../model/options/duration.ts';
import { type JournalPlace, parseUuid, takesJournal, type WithJournal } from './arguments.ts';
import { handOverToAll, takesActor } from './operator.ts';
import type { Terminal } from './terminal.ts';
import { formatDuration, safeJson } from './timeline/index.ts';

/** What the command needs of the process it runs in. */
export interface ReplaySettings {
  readonly stdout: NodeJS.WritableStream;
  /** Gets the progress; redrawn in place where it is a terminal. */
  readonly stderr: Terminal;
  /** Resolves with the name of the signal that asks the process to end. */
  readonly signal: () => Promise<string>;
  /** Sets the exit code of the process. */
  readonly exit: (code: number) => void;
  /** With the journal named, or that of `serve`. */
  readonly withJournal: WithJournal;
}

/**
 * `vcon-otel replay`: has a tracer hear events again, or for the first time, that the journal still has. They are
 * queued in the journal; the service delivers them, and the command watches it. Exit code 1 if any of them becomes a
 * dead letter, 130 if it was interrupted.
 * @throws VconOtelError from its action: `FILE_UNUSABLE` for the journal, `CONFIG_…` for the configuration
 */
export function replayCommand(settings: ReplaySettings): Command {
  return takesActor(takesJournal(new Command('replay')))
    .description('have a tracer hear past events that a journal file still has')
    .requiredOption('--tracer <name>', 'the tracer')
    .option('--new', 'add it to the journal, if that does not know it yet')
    .option(
      '--since <time>',
      'events from then on: an ISO 8601 date or time, or how long ago (2h, 1d)',
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
  readonly actor?: string;
  readonly since?: number;
  readonly until?: number;
  readonly vcon?: string;
  readonly new?: true;
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
  await settings.withJournal(options, async (journal) => {
    const plan = await journal.planReplay(aim);
    // A name that nobody has would get a place for a typing error, and hold events back for it.
    if (plan.isNew && !dryRun && !options.new) {
      const known = (await journal.tracers()).join(', ') || 'none';
      const text = `the journal knows no tracer ${tracer}; it knows ${known} (--new adds one)`;
      throw new VconOtelError('OPTIONS_INVALID', text, { path: '--tracer' });
    }
    if (plan.isNew)
      settings.stderr.write(`The journal knows no tracer ${tracer} yet${dryRun ? '' : ': it is added'}.\n`);
    if (dryRun) {
      settings.stdout.write(json ? jsonOf(aim, plan, { queued: 0 }) : `Would queue ${sizeOf(plan)}.\n`);
      return;
    }
    const isServed = await journal.isServed();
    const course: Course = {
      plan,
      replay: await journal.replay(aim),
      // A service that is there does not know a tracer that is new to its journal.
      watches: options.wait && isServed && !plan.isNew,
      isServed: () => journal.isServed(),
    };
    const result = await follow(course, settings);
    if (result.queued > 0) {
      const chosen = { tracer, events: result.queued, ...(vcon === undefined ? {} : { vcon_uuid: vcon }) };
      await handOverToAll(options, { event: 'events_replayed', ...chosen }, options.actor, settings.stderr);
    }
    settings.stdout.write(
      json ? jsonOf(aim, plan, { ...result, service: isServed }) : textOf(aim, plan, result, isServed),
    );
    if (result.interrupted) settings.exit(130);
    else if (result.became && result.became.dead > 0) settings.exit(1);
  });
}

interface Course {
  readonly plan: ReplayPlan;
  readonly replay: Replay;
  readonly watches: boolean;
  isServed(): Promise<boolean>;
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
    became = await replay.look();
    const open = openOf(became);
    progress.show(`${thousands(queued - open)} of ${amount(queued)} settled${retrying(became)}`);
    if (open === 0) break;
    serviceEnded = !(await isServed());
    const took = performance.now() - before;
    await pause(Math.max(LOOK, took * SHARE), undefined, { signal: stop.signal }).catch(() => undefined);
  }
  // What was settled since the last look.
  if (became) became = await replay.look();
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
  return waiting > 0 ? ` (${thousands(waiting)} more are waiting anyway)` : '';
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
      [became.dead, 'dead letters'],
      [became.skipped, 'skipped (also: of chains it does not hear)'],
      [became.dropped + became.gone, 'dropped'],
      [openOf(became), 'yet to come'],
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
  return 'No service has the journal open: they are delivered once one has.';
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
