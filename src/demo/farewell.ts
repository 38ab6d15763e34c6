import type { ChainOutcome } from '../model/event.ts';
import type { DemoChains } from './chains.ts';
import { counted, type Progress } from './progress.ts';

/** What a demo came to, as `--json` prints it. */
export interface Summary {
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

/** Where a demo leaves what. */
export interface Files {
  readonly traces: string;
  readonly audit: string;
  readonly database: string;
  readonly journal: string;
  readonly ledger: string;
}

/** What else there is to say at the end of a demo. */
export interface Ending {
  readonly progress: Progress;
  readonly chains: DemoChains;
  readonly files: Files;
  readonly seconds: number;
  readonly interrupted: boolean;
  /** Events that an earlier demo left, and events that are left to the next one. */
  readonly before: number;
  readonly after: number;
}

/** The lines at the end of a demo. */
export function farewell(
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
    ['audit table', `${files.database}  (table vcon_events)`],
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
