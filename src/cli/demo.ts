import { existsSync } from 'node:fs';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseConfig } from '../config/load-config.ts';
import { otlpUrls } from '../exporters/otlp/urls.ts';
import { VconOtelError } from '../model/error.ts';
import { shownUrl } from '../model/shown-url.ts';
import { makeFolder } from '../persistence/make-folder.ts';
import type { TracingStats } from '../service/tracing.ts';
import { type ListedVcon, listVcons, type MemoryVconStore, memoryVconStore } from '../vcon-store/index.ts';
import { parseDelay } from './arguments.ts';
import { farewell, type LedgerSummary, type Summary } from './demo/closing.ts';
import { configFor, filesIn } from './demo/demo-config.ts';
import { openBrowser } from './demo/open-browser.ts';
import { passThrough } from './demo/pass-through.ts';
import { counted, DemoProgress } from './demo/progress.ts';
import { SpanCounter } from './demo/span-counter.ts';
import type { Terminal } from './terminal.ts';
import { readRuns, renderRun } from './timeline/index.ts';

/** What the command needs of the process it runs in. */
export interface DemoSettings {
  readonly stdout: NodeJS.WritableStream;
  /** Gets the progress; redrawn in place where it is a terminal. */
  readonly stderr: Terminal;
  readonly colour: boolean;
  /** Columns of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
  /** Resolves with the name of the signal that asks the process to end. */
  readonly signal: () => Promise<string>;
  /** Sets the exit code of the process. */
  readonly exit: (code: number) => void;
}

/**
 * `vcon-otel demo`: runs vCon files through three chains in this process and shows what tracing makes of it. Needs
 * no server and no network. With `--forever` it sends the spans to a Collector and does nothing else, until it is told to end.
 * @throws VconOtelError from its action: `FILE_UNUSABLE` where the folder of vCons or for the output cannot be used
 */
export function demoCommand(settings: DemoSettings): Command {
  return new Command('demo')
    .description('run vCon files through three chains and show their timelines; needs no server')
    .option('--vcons <dir>', 'run these vCon files instead of the included ones')
    .option('--out <dir>', 'where the trace file, the audit log and the storages go', './vcon-otel-demo')
    .option('--count <n>', 'how many times to run them all', parseCount, 1)
    .option('--json', 'print one JSON summary and nothing else on standard output')
    .addOption(
      new Option(
        '--forever',
        'run again and again, for a Collector (OTEL_EXPORTER_OTLP_ENDPOINT); keeps nothing',
      ).conflicts(['out', 'count', 'json']),
    )
    .addOption(
      new Option(
        '--open',
        'run again and again, at the pace of real services, and show it live on a page in the browser',
      ).conflicts(['count', 'json', 'forever']),
    )
    .addOption(
      new Option('--pause <duration>', 'with --forever: between two vCons (default: 2s)').argParser(
        parseDelay,
      ),
    )
    .action(async function (this: Command, options: DemoOptions) {
      const refuse = (sentence: string) =>
        this.error(`error: ${sentence}`, { exitCode: 2, code: 'demo.forever' });
      if (options.forever) return demoForever(options, settings, refuse);
      if (options.pause !== undefined) refuse("option '--pause <duration>' goes with --forever");
      if (options.open) return demoOpen(options, settings);
      return demo(options, settings);
    });
}

interface DemoOptions {
  readonly vcons?: string;
  readonly out: string;
  readonly count: number;
  readonly json?: true;
  readonly forever?: true;
  readonly open?: true;
  /** Milliseconds. */
  readonly pause?: number;
}

/** Timelines that are drawn at most; the trace file has all. */
const MAX_DRAWN = 60;
const DEFAULT_COLUMNS = 100;
/** Documents are needed for as long as their vCon is in a chain, and one is at a time. */
const MAX_VCONS = 64;
/** The vCons that come with the package: beside `src` in a checkout, beside `dist` in an installed one. */
const SHIPPED_VCONS = fileURLToPath(new URL('../../examples/vcons', import.meta.url));

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1 on.');
  return Number(text);
}

async function demo(options: DemoOptions, settings: DemoSettings): Promise<void> {
  const { out } = options;
  const began = performance.now();
  const files = filesIn(out);
  makeDemoFolder(out);
  const recordsBefore = existsSync(files.ledger) ? (await verifyAgain(files.ledger)).records : 0;
  // Loaded here: on Node 22 the very import of SQLite prints a warning.
  const { demoChains } = await import('./demo/chains.ts');
  const chains = demoChains({ directory: out });
  const counter = new SpanCounter();
  const vcons = memoryVconStore({ maxVcons: MAX_VCONS });
  const { startService } = await import('../service/service.ts');
  const tracing = await startService(configFor(chains, files), { vcons, spanProcessors: [counter] });
  const progress = new DemoProgress(settings.stderr);
  let interrupted = false;
  void settings.signal().then(() => {
    interrupted = true;
  });
  try {
    for await (const vcon of repeated(options)) {
      if (interrupted) break;
      if ('error' in vcon) progress.skip(vcon.error);
      else await passThrough(vcon, chains, vcons, progress);
    }
  } finally {
    progress.end();
    await tracing.shutdown();
    chains.close();
  }
  if (progress.vcons === 0 && !interrupted)
    throw new VconOtelError('FILE_UNUSABLE', 'the folder holds no vCon that could be read');
  const stats = tracing.stats();
  const summary = { ...summarize(progress, counter, stats, out), ledger: await verifyAgain(files.ledger) };
  if (options.json) settings.stdout.write(`${JSON.stringify(summary)}\n`);
  else {
    // Else the last runs in the file are somebody else's.
    if (stats.exporters.otlp_file?.exported) await drawTimelines(files.traces, settings);
    const seconds = (performance.now() - began) / 1e3;
    settings.stdout.write(
      farewell(summary, {
        progress,
        chains,
        files,
        seconds,
        interrupted,
        recordsBefore,
        ...carriedOver(stats),
      }),
    );
  }
  if (interrupted) settings.exit(130);
}

/** What is sent, and where to, is for the environment to say. */
const TRAFFIC = { service_name: 'vcon-otel-demo', log_level: 'warn' } as const;
const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
/** Milliseconds. */
const PAUSE = 2_000;
const LINE_INTERVAL = 60_000;

async function demoForever(
  { vcons = SHIPPED_VCONS, pause = PAUSE }: DemoOptions,
  { stderr, signal }: DemoSettings,
  refuse: (sentence: string) => never,
): Promise<void> {
  const loaded = parseConfig(TRAFFIC);
  const { traces = refuse(`--forever sends spans to a Collector: ${ENDPOINT} must say where it is`) } =
    otlpUrls(loaded.config.exporters.otlp ?? {});
  const ending = new AbortController();
  void signal().then(() => ending.abort());
  const { makeTraffic } = await import('./demo/traffic.ts');
  const { startService } = await import('../service/service.ts');
  const tracing = await startService(loaded);
  const title = `Running vCons through three chains until SIGTERM or Ctrl-C, spans to ${shownUrl(traces)}`;
  const progress = new DemoProgress(stderr, { title, interval: LINE_INTERVAL });
  try {
    await makeTraffic({ vcons, pause, progress, signal: ending.signal });
  } finally {
    progress.end();
    await tracing.shutdown();
  }
}

/** Where the page is, if nobody else is there. */
const PAGE = { host: '127.0.0.1', port: 4419 } as const;
/** Documents that are in memory: vCons in the chains, and the copies made of them. */
const LIVELY_VCONS = 64;

async function demoOpen(
  { out, vcons: folder = SHIPPED_VCONS }: DemoOptions,
  { stdout, stderr, signal }: DemoSettings,
): Promise<void> {
  makeDemoFolder(out);
  const ending = new AbortController();
  void signal().then(() => ending.abort());
  const [{ demoChains }, { livelyPace }, { livelyTraffic }, { listenObstacle }, { startService }] =
    await Promise.all([
      import('./demo/chains.ts'),
      import('./demo/pace.ts'),
      import('./demo/lively.ts'),
      import('../outgoing/own-address.ts'),
      import('../service/service.ts'),
    ]);
  const chains = demoChains({ directory: out, pace: livelyPace(ending.signal) });
  const vcons = memoryVconStore({ maxVcons: LIVELY_VCONS });
  const port = (await listenObstacle(PAGE)) === undefined ? PAGE.port : 0;
  const tracing = await startService(configFor(chains, filesIn(out), { ...PAGE, port }), { vcons });
  stdout.write(`What the chains do now: ${tracing.adminUrl}\nCtrl-C ends it.\n`);
  if (stderr.isTTY && tracing.adminUrl !== undefined) openBrowser(tracing.adminUrl);
  const progress = new DemoProgress(stderr, { interval: LINE_INTERVAL });
  try {
    await livelyTraffic({ folder, chains, vcons, progress, signal: ending.signal });
  } finally {
    progress.end();
    await tracing.shutdown();
    chains.close();
  }
  const { complete, halted, error } = progress.runs;
  stdout.write(`${counted(complete + halted + error, 'run')}; what they left is in ${out}\n`);
}

/** What `dev` runs: as `--forever`, in whatever tracing there is, with the documents where it says. */
export async function demoTraffic(store: MemoryVconStore, pause: number, signal: AbortSignal): Promise<void> {
  const { makeTraffic } = await import('./demo/traffic.ts');
  // Events are shown, and no progress.
  const progress = new DemoProgress(new Writable({ write: (_chunk, _encoding, done) => done() }));
  await makeTraffic({ vcons: SHIPPED_VCONS, pause, progress, signal, store });
}

function makeDemoFolder(path: string): void {
  try {
    makeFolder(path);
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', `the folder ${path} cannot be created`, { cause });
  }
}

async function* repeated({ vcons = SHIPPED_VCONS, count }: DemoOptions): AsyncGenerator<ListedVcon> {
  for (let round = 0; round < count; round += 1)
    for await (const vcon of listVcons(vcons)) if (round === 0 || !('error' in vcon)) yield vcon;
}

function summarize(
  progress: DemoProgress,
  { spans, traces }: SpanCounter,
  stats: TracingStats,
  out: string,
): Omit<Summary, 'ledger'> {
  return {
    runs: progress.runs,
    spans,
    traces,
    events: stats.events,
    tracers: Object.fromEntries(
      Object.entries(stats.tracers).map(([name, { trace, run, dead }]) => [
        name,
        { trace, run, failed: dead },
      ]),
    ),
    dropped_spans: Math.max(...Object.values(stats.exporters).map(({ failed, dropped }) => failed + dropped)),
    pending_spans: Math.max(...Object.values(stats.exporters).map(({ pending }) => pending)),
    out,
  };
}

/** What `vcon-otel audit verify` would say. */
async function verifyAgain(directory: string): Promise<LedgerSummary> {
  const { verifierBeside, verifyLedger } = await import('../ledger/index.ts');
  const { verdict, size } = verifyLedger({ directory, verifiers: verifierBeside(directory) });
  return { verdict, records: size };
}

async function drawTimelines(file: string, { stdout, colour, columns }: DemoSettings): Promise<void> {
  const { runs, older } = await readRuns(file, { limit: MAX_DRAWN, lastProcess: true });
  const width = columns ?? DEFAULT_COLUMNS;
  for (const run of runs) stdout.write(`${renderRun(run, { width, colour })}\n\n`);
  if (older) stdout.write(`(the last ${MAX_DRAWN} runs; vcon-otel timeline --last --limit 0 draws all)\n\n`);
}

/** What passes from one demo to the next in its journal, when one is interrupted. */
function carriedOver({ events, tracers }: TracingStats): { before: number; after: number } {
  const due = Object.values(tracers).map(({ ok, dead, pending }) => ok + dead + pending);
  const left = Object.values(tracers).map(({ pending }) => pending);
  // The tracer that was furthest behind says it best.
  return { before: Math.max(0, ...due.map((all) => all - events)), after: Math.max(0, ...left) };
}
