import { Command, Option } from 'commander';
import type { TracePage } from '../config/trace-page.ts';
import { parseUuid } from './arguments.ts';
import { eventJson, eventLine } from './event-line.ts';
import { type FollowedChange, FollowedRuns } from './follow/followed-runs.ts';
import { RedrawnLines } from './follow/redrawn-lines.ts';
import type { FollowedRun } from './follow/run-of-view.ts';
import { type LiveOptions, openSource, takesSource } from './live/index.ts';
import { isScreen } from './terminal.ts';
import { drawnRun, renderRun } from './timeline/index.ts';

/** What the command needs of the process it runs in. */
export interface FollowSettings {
  /** Gets the runs and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Gets remarks: what is waited for. */
  readonly stderr: NodeJS.WritableStream;
  readonly colour: boolean;
  /** Where traces lead to. @throws ConfigError if what says so is wrong */
  readonly tracePage: () => TracePage | undefined;
  /** Resolves with the name of the signal that asks the process to end. */
  readonly signal: () => Promise<string>;
  /** Resolves when nobody reads standard output any more, though nothing is printed. */
  readonly readerGone: () => Promise<void>;
  /** Sets the exit code of the process. */
  readonly exit: (code: number) => void;
}

/** How a run ended, as an exit code. */
const CODES = { complete: 0, halted: 3, error: 4, unknown: 5 } as const;
const INTERRUPTED = 130;
/** Milliseconds between two drawings while nothing new is told: bars grow. */
const TICK = 200;
/** Columns without which a waterfall says nothing. */
const LEAST_COLUMNS = 60;

/**
 * `vcon-otel follow VCON`: prints the runs of a vCon as they happen, from chain to chain, also where a link gives it another uuid: on a terminal
 * as waterfalls that are drawn again, elsewhere a line for each change, with `--json` one as `tap --json` has it. It begins with the runs that the service
 * still has in memory. Ends with a signal, or when nobody reads any more; with `--until complete` as soon as a run has ended and none
 * is under way, with its outcome as the exit code: 0 complete, 3 halted, 4 error, 5 unknown, and 130 where a signal came first.
 * @throws VconOtelError from its action where there is nothing to look at, and waiting would not help
 */
export function followCommand(settings: FollowSettings): Command {
  return takesSource(new Command('follow'))
    .description('print the runs of a vCon as they happen')
    .argument('<VCON>', 'the uuid of the vCon; it need not have begun', parseUuid)
    .addOption(
      new Option(
        '--until <what>',
        'end when a run has ended and none is under way: exit code 0 complete, 3 halted, 4 error, 5 unknown',
      ).choices(['complete']),
    )
    .option('--json', 'print a JSON object for each change, as tap --json')
    .action((vcon: string, options: FollowOptions) => follow(vcon, options, settings));
}

interface FollowOptions extends LiveOptions {
  readonly until?: 'complete';
  readonly json?: true;
}

async function follow(
  vcon: string,
  { until, json, ...options }: FollowOptions,
  settings: FollowSettings,
): Promise<void> {
  const { stdout, stderr, signal, readerGone, exit } = settings;
  const ending = new AbortController();
  const end = () => ending.abort();
  void signal().then(end);
  void readerGone().then(end);
  // Nobody reads any more, or nothing can be written: the command line tells which.
  stdout.once('error', end);
  const source = await openSource(options);
  const runs = new FollowedRuns(vcon);
  const printer = printerOf(runs, json === true, settings);
  let said: string | undefined;
  const say = (what: string | undefined) => {
    if (what !== undefined && what !== said) stderr.write(`${what}\n`);
    said = what;
  };
  try {
    for await (const news of source.follow(vcon, ending.signal)) {
      if (news.is === 'away') {
        say(`${source.name}: ${news.why}; trying again`);
        continue;
      }
      printer.print(runs.hear(news.data));
      const { last, open } = runs;
      say(last || open.length > 0 ? undefined : `waiting for a run of ${vcon}`);
      if (until === undefined || !last) continue;
      exit(CODES[last.outcome ?? 'unknown']);
      return;
    }
    if (until !== undefined) exit(INTERRUPTED);
  } finally {
    printer.end();
    await source.close();
  }
}

/** Shows what is new. */
interface Printer {
  print(changes: readonly FollowedChange[]): void;
  end(): void;
}

function printerOf(runs: FollowedRuns, json: boolean, settings: FollowSettings): Printer {
  const { stdout, colour, tracePage } = settings;
  const page = tracePage();
  if (!json && isScreen(stdout) && stdout.columns >= LEAST_COLUMNS) {
    const redrawn = new RedrawnLines(stdout);
    const waterfall = (run: FollowedRun) => {
      const drawn = drawnRun(run, {
        open: run.phase === 'start',
        until: run.phase === 'start' ? runs.now() : 0,
      });
      return renderRun(drawn, { width: stdout.columns, colour, tracePage: page }).split('\n');
    };
    const print = (changes: readonly FollowedChange[]) => {
      const over = changes.filter(({ run }) => run.phase !== 'start');
      redrawn.draw(
        runs.open.flatMap(waterfall),
        over.flatMap(({ run }) => [...waterfall(run), '']),
      );
    };
    const timer = setInterval(() => print([]), TICK);
    const end = () => {
      clearInterval(timer);
      redrawn.end();
    };
    return { print, end };
  }
  const line = json ? eventJson : (event: Parameters<typeof eventLine>[0]) => eventLine(event, colour, page);
  const print = (changes: readonly FollowedChange[]) => {
    const text = changes.flatMap(({ events }) => events.map(line)).join('');
    if (text !== '') stdout.write(text);
  };
  return { print, end: () => undefined };
}
