import { normalize } from 'node:path';
import type { RunChainResult } from '../../instrumentation/run-chain.ts';
import type { DemoChains } from './chains.ts';
import { counted, type DemoProgress } from './progress.ts';

/** The result of a demo, as `--json` prints it. */
export interface Summary {
  readonly runs: Readonly<Record<RunChainResult['outcome'], number>>;
  readonly spans: number;
  readonly traces: number;
  readonly events: number;
  readonly tracers: Readonly<Record<string, { trace: number; run: number; failed: number }>>;
  readonly dropped_spans: number;
  /** Spans that wait in the demo's folder for an endpoint that does not take them. */
  readonly pending_spans: number;
  readonly out: string;
  readonly ledger: LedgerSummary;
}

/** What `audit verify` says of a ledger. */
export interface LedgerSummary {
  readonly verdict: string;
  readonly records: number;
}

/** Where a demo leaves its files. */
export interface Files {
  readonly traces: string;
  readonly audit: string;
  readonly database: string;
  readonly journal: string;
  readonly ledger: string;
}

/** What else is said at the end of a demo. */
export interface DemoEnding {
  readonly progress: DemoProgress;
  readonly chains: DemoChains;
  readonly files: Files;
  readonly seconds: number;
  readonly interrupted: boolean;
  /** Events left by an earlier demo, and events left for the next one. */
  readonly before: number;
  readonly after: number;
  /** Records that earlier demos have left in the ledger. */
  readonly recordsBefore: number;
}

/** Of earlier demos into the same folder, too. */
function recordsOf({ records }: LedgerSummary, before: number): string {
  if (before === 0) return counted(records, 'record');
  return `${counted(records - before, 'new record')}, ${records.toLocaleString('en')} in all`;
}

/** The lines at the end of a demo. */
export function farewell(
  { runs, spans, traces, events, tracers, dropped_spans, pending_spans, out, ledger }: Summary,
  { progress, chains, files, seconds, interrupted, before, after, recordsBefore }: DemoEnding,
): string {
  const rows = [
    ['runs', `${runs.complete} complete, ${runs.halted} halted, ${runs.error} failed`],
    [
      'spans',
      [
        `${spans} in ${counted(traces, 'trace')}`,
        ...(dropped_spans > 0 ? [`${dropped_spans} not exported everywhere`] : []),
        ...(pending_spans > 0
          ? [`${pending_spans} not sent yet, kept for the next demo in this folder`]
          : []),
      ].join(', '),
    ],
    ...Object.entries(tracers).map(([name, { trace, run, failed }]) => [
      `tracer ${name}`,
      `${counted(events, 'event')}: ${trace} trace() and ${run} run() calls, ${failed} failed`,
    ]),
    ...(before > 0 ? [['from before', `${counted(before, 'event')} of an interrupted demo`]] : []),
    ...(after > 0 ? [['not heard yet', `${counted(after, 'event')}, kept for the next demo`]] : []),
    ['trace file', `${files.traces}  (Jaeger's upload, otel-tui and the Collector read it)`],
    ['audit log', files.audit],
    ['audit table', `${files.database}  (table vcon_events)`],
    ['storages', `${chains.archive}, ${chains.warehouse}`],
    ['ledger', `${files.ledger}: ${ledger.verdict}, ${recordsOf(ledger, recordsBefore)}, signed`],
    ['draw again', `npx vcon-otel timeline ${normalize(out)}`],
    ['verify again', `npx vcon-otel audit verify ${files.ledger}`],
  ];
  const did = interrupted ? 'Interrupted after' : 'Done:';
  return `${[
    `${did} ${counted(progress.vcons, 'vCon')} in ${seconds.toFixed(1)} s`,
    '',
    ...rows.map(([title = '', value]) => `  ${title.padEnd(20)}${value}`),
  ].join('\n')}\n`;
}
