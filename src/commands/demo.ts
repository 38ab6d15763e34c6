import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { parseConfig } from '../config.ts';
import type { DemoChains } from '../demo/chains.ts';
import { counted, Progress, type Terminal } from '../demo/progress.ts';
import { SpanCounter } from '../demo/span-counter.ts';
import { runChain } from '../instrumentation/run-chain.ts';
import { VconOtelError } from '../model/error.ts';
import type { ChainOutcome } from '../model/event.ts';
import { isVconUuid } from '../model/vcon.ts';
import type { TracingStats } from '../service.ts';
import { readRuns, renderRun } from '../timeline/index.ts';
import { type ListedVcon, listVcons, type MemoryVconStore, memoryVconStore } from '../vcon-store/index.ts';

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
}

/**
 * `vcon-otel demo`: runs vCon files through three chains in this process and shows what tracing makes of it. Needs
 * no server and no network.
 * @throws VconOtelError from its action: `FILE_UNUSABLE` where the folder of vCons or for the output cannot be used
 */
export function demoCommand(settings: DemoSettings): Command {
  return new Command('demo')
    .description('run vCon files through three chains and show their timelines; needs no server')
    .option('--vcons <dir>', 'run these vCon files instead of those that come along')
    .option('--out <dir>', 'where the trace file, the audit log and the storages go', './vcon-otel-demo')
    .option('--count <n>', 'how many times to run them all', parseCount, 1)
    .option('--json', 'print one JSON summary and nothing else on standard output')
    .action((options: DemoOptions) => demo(options, settings));
}

interface DemoOptions {
  readonly vcons?: string;
  readonly out: string;
  readonly count: number;
  readonly json?: true;
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
  const files = {
    traces: join(out, 'traces.otlp.jsonl'),
    audit: join(out, 'audit.jsonl'),
    journal: join(out, 'journal.db'),
    ledger: join(out, 'ledger'),
  };
  makeFolder(out);
  // Loaded here: on Node 22 the very import of SQLite prints a warning.
  const { demoChains } = await import('../demo/chains.ts');
  const chains = demoChains({ directory: out });
  const counter = new SpanCounter();
  const vcons = memoryVconStore({ maxVcons: MAX_VCONS });
  const { startService } = await import('../service.ts');
  const tracing = await startService(configFor(chains, files), { vcons, spanProcessors: [counter] });
  const progress = new Progress(settings.stderr);
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
      farewell(summary, { progress, chains, files, seconds, interrupted, ...carriedOver(stats) }),
    );
  }
  if (interrupted) process.exitCode = 130;
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', `the folder ${path} cannot be made`, { cause });
  }
}

interface Files {
  readonly traces: string;
  readonly audit: string;
  readonly journal: string;
  readonly ledger: string;
}

function configFor({ chains }: DemoChains, { traces, audit, journal, ledger }: Files) {
  return parseConfig({
    service_name: 'vcon-otel-demo',
    log_level: 'warn',
    tracers: {
      audit: {
        module: 'tracers.audit_log',
        options: { log_file: audit, record: 'both', include_vcon_data: true },
      },
      compliance: {
        module: 'tracers.compliance',
        options: { directory: ledger, origin: 'vcon-otel.local/demo' },
      },
    },
    chains: Object.fromEntries(
      chains.map(({ chain, ingressList }) => [
        chain.name,
        {
          links: chain.links.map(({ name }) => name),
          storages: (chain.storages ?? []).map(({ name }) => name),
          ingress_lists: [ingressList],
          egress_lists: [...(chain.egressLists ?? [])],
        },
      ]),
    ),
    exporters: { otlp_file: { path: traces } },
    journal: { type: 'sqlite', path: journal },
  });
}

async function* repeated({ vcons = SHIPPED_VCONS, count }: DemoOptions): AsyncGenerator<ListedVcon> {
  for (let round = 0; round < count; round += 1) yield* listVcons(vcons);
}

/** Queues a vCon for the first chain and lets it go as far as the chains' lists lead it. */
async function passThrough(
  { uuid, text }: Extract<ListedVcon, { text: string }>,
  { chains }: DemoChains,
  vcons: MemoryVconStore,
  progress: Progress,
): Promise<void> {
  const vconUuid = isVconUuid(uuid) ? uuid : uuidOf(text);
  await vcons.write(vconUuid, text);
  await vcons.push(chains[0].ingressList, vconUuid);
  for (const { chain, ingressList } of chains)
    for (let vcon = await vcons.pop(ingressList); vcon; vcon = await vcons.pop(ingressList)) {
      const { outcome } = await runChain(chain, vcon, { vcons, queue: vcons, ingressList });
      progress.ran(outcome);
    }
  // Nobody else takes them off, and a list in memory is bounded. They are counted as failed runs.
  for (const { ingressList } of chains) while (await vcons.pop(`DLQ:${ingressList}`));
  progress.done();
}

/** A name for a vCon that has no uuid in the clear: version 8 (RFC 9562 §5.8) of its own bytes, so always the same. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

interface Summary {
  readonly runs: Readonly<Record<ChainOutcome, number>>;
  readonly spans: number;
  readonly traces: number;
  readonly events: number;
  readonly tracers: Readonly<Record<string, { trace: number; run: number; failed: number }>>;
  readonly dropped_spans: number;
  readonly out: string;
  /** What `audit verify` says of the ledger. */
  readonly ledger: { readonly verdict: string; readonly records: number };
}

function summarize(
  progress: Progress,
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
      Object.entries(stats.tracers).map(([name, { trace, run, failed, dead }]) => [
        name,
        { trace, run, failed: failed + dead },
      ]),
    ),
    dropped_spans: Math.max(...Object.values(stats.exporters).map(({ failed, dropped }) => failed + dropped)),
    out,
  };
}

/** What `vcon-otel audit verify` would say. */
async function verifyAgain(directory: string): Promise<Summary['ledger']> {
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

interface Ending {
  readonly progress: Progress;
  readonly chains: DemoChains;
  readonly files: Files;
  readonly seconds: number;
  readonly interrupted: boolean;
  /** Events that an earlier demo left, and events that are left to the next one. */
  readonly before: number;
  readonly after: number;
}

/** What passes from one demo to the next in its journal, when one is interrupted. */
function carriedOver({ events, tracers }: TracingStats): { before: number; after: number } {
  const [{ ok, failed, dead, pending } = { ok: 0, failed: 0, dead: 0, pending: 0 }] = Object.values(tracers);
  return { before: Math.max(0, ok + failed + dead + pending - events), after: pending };
}

function farewell(
  { runs, spans, traces, events, tracers, dropped_spans, out, ledger }: Summary,
  { progress, chains, files, seconds, interrupted, before, after }: Ending,
): string {
  const rows = [
    ['runs', `${runs.complete} complete, ${runs.halted} halted, ${runs.error} failed`],
    [
      'spans',
      `${spans} in ${counted(traces, 'trace')}${dropped_spans > 0 ? `, ${dropped_spans} not exported everywhere` : ''}`,
    ],
    ...Object.entries(tracers).map(([name, { trace, run, failed }]) => [
      `tracer ${name}`,
      `${counted(events, 'event')}: ${trace} trace() and ${run} run() calls, ${failed} failed`,
    ]),
    ...(before > 0 ? [['from before', `${counted(before, 'event')} of an interrupted demo`]] : []),
    ...(after > 0 ? [['not heard yet', `${counted(after, 'event')}, kept for the next demo`]] : []),
    ['trace file', `${files.traces}  (Jaeger's upload, otel-tui and the Collector read it)`],
    ['audit log', files.audit],
    ['storages', `${chains.archive}, ${chains.warehouse}`],
    ['ledger', `${files.ledger}: ${ledger.verdict}, ${counted(ledger.records, 'record')}, signed`],
    ['draw again', `npx vcon-otel timeline ${out}`],
    ['verify again', `npx vcon-otel audit verify ${files.ledger}`],
  ];
  const did = interrupted ? 'Interrupted after' : 'Done:';
  return `${[
    `${did} ${counted(progress.vcons, 'vCon')} in ${seconds.toFixed(1)} s`,
    '',
    ...rows.map(([title = '', value]) => `  ${title.padEnd(20)}${value}`),
  ].join('\n')}\n`;
}
