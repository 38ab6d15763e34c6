import { Command } from 'commander';
import { type LiveOptions, type LiveSource, LiveState, openSource, takesSource } from './live/index.ts';
import { isScreen } from './terminal.ts';
import { safeJson } from './timeline/index.ts';
import { stateRecord } from './top/state-record.ts';
import { TopScreen } from './top/top-screen.ts';

/** What the command needs of the process it runs in. */
export interface TopSettings {
  readonly stdin: NodeJS.ReadStream;
  /** The terminal that is drawn on; anything else gets lines of JSON and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Gets remarks: that nothing can be heard. */
  readonly stderr: NodeJS.WritableStream;
  readonly colour: boolean;
  /** Resolves with the name of the signal that asks the process to end. */
  readonly signal: () => Promise<string>;
  /** Resolves when nobody reads standard output any more, though nothing is printed. */
  readonly readerGone: () => Promise<void>;
}

/** Milliseconds between two lines of JSON. */
const INTERVAL = 1_000;

/**
 * `vcon-otel top`: shows what chains and tracers do, on a terminal until `q`; elsewhere, or with `--json`, a line a second (`stateRecord` says what
 * it holds) until a signal comes or nobody reads any more.
 * @throws VconOtelError from its action where there is nothing to look at, and waiting would not help
 */
export function topCommand(settings: TopSettings): Command {
  return takesSource(new Command('top'))
    .description('show what chains and tracers do now, in the terminal')
    .option('--json', 'print a JSON object a second; so it does without a terminal')
    .action((options: TopOptions) => top(options, settings));
}

interface TopOptions extends LiveOptions {
  readonly json?: true;
}

async function top({ json, ...options }: TopOptions, settings: TopSettings): Promise<void> {
  const { stdout, signal, readerGone } = settings;
  const ending = new AbortController();
  const end = () => ending.abort();
  void signal().then(end);
  void readerGone().then(end);
  // Nobody reads any more, or nothing can be written: the command line tells which.
  stdout.once('error', end);
  const source = await openSource(options);
  try {
    const shown = new LiveState();
    if (json || !isScreen(stdout)) await print(source, shown, settings, ending.signal);
    else await draw(source, shown, { ...settings, stdout, onQuit: end }, ending.signal);
  } finally {
    await source.close();
  }
}

async function draw(
  source: LiveSource,
  state: LiveState,
  settings: Pick<ConstructorParameters<typeof TopScreen>[0], 'stdin' | 'stdout' | 'colour' | 'onQuit'>,
  signal: AbortSignal,
): Promise<void> {
  const screen = new TopScreen({ ...settings, state, source: source.name });
  try {
    for await (const news of source.feed(signal)) {
      state.hear(news);
      screen.draw();
    }
  } finally {
    screen.close();
  }
}

async function print(
  source: LiveSource,
  state: LiveState,
  { stdout, stderr }: TopSettings,
  signal: AbortSignal,
): Promise<void> {
  const line = () => {
    // A reader that is slow gets fewer.
    if ('writableNeedDrain' in stdout && stdout.writableNeedDrain) return;
    stdout.write(`${safeJson(stateRecord(state))}\n`);
  };
  const timer = setInterval(line, INTERVAL);
  try {
    let said: string | undefined;
    for await (const news of source.feed(signal)) {
      state.hear(news);
      if (said !== state.away)
        stderr.write(
          `${source.name}: ${state.away === undefined ? 'there again' : `${state.away}; trying again`}\n`,
        );
      said = state.away;
    }
  } finally {
    clearInterval(timer);
  }
}
