import type { RecordFact, SpanFact } from '../model/fact.ts';
import type { Assembler } from './assembler.ts';
import type { ClosedRun } from './closed-run.ts';
import type { Entry } from './entry.ts';
import { noFacts, spanCount, spansOf, workerOf } from './facts.ts';
import { fitOf } from './fit.ts';
import { toRanges } from './number-ranges.ts';
import { type HeardRun, hearRecord, hearSpan, type KeptRun, withoutIds } from './open-run.ts';
import type { Outcome } from './outcome.ts';
import { restore } from './state.ts';

/** A row of the inbox of vcon-otel 0.1. */
export type RowOf01 = Extract<Entry, { kind: '0.1' }>;

/** What it kept: not what came, but what it had made of that. */
type BodyOf01 =
  | { readonly kind: 'spans'; readonly run?: HeadOf01; readonly spans: readonly SpanOf01[] }
  | {
      readonly kind: 'record';
      readonly run: HeadOf01;
      readonly record: RecordFact & { readonly time: string };
    }
  | { readonly kind: 'closed'; readonly run: ClosedRun }
  | { readonly kind: 'worker'; readonly worker: WorkerOf01 };

/** A chain span without a status was taken to have failed. */
type SpanOf01 = SpanFact & { readonly abandoned?: boolean };

/** What a run was called, beside its id. */
interface HeadOf01 {
  readonly root?: string;
  readonly trace: string;
  readonly chain?: string;
}

type WorkerOf01 = readonly [
  key: string,
  low: number,
  top: number,
  topTime: string,
  missing: readonly number[],
  hasSpans: boolean,
];

/**
 * Goes on with what vcon-otel 0.1 left. Each run goes by the id that it went by there, whatever else would be concluded
 * today: its events have that id. They are emitted again, and recognised by it.
 * @param now on the clock's `elapsed`
 */
export function restoreFrom01(
  assembler: Assembler,
  rows: readonly RowOf01[],
  now: number,
  out: Outcome,
): void {
  const unplaced: SpanFact[] = [];
  const records: RecordFact[] = [];
  const runs = new Map<string, HeardRun>();
  for (const { run_id: id, body } of rows) {
    const kept = read(body);
    if (kept?.kind === 'closed') assembler.closed.add(kept.run);
    if (kept?.kind === 'worker')
      restore(assembler, { kind: 'workers', workers: [numbersOf(kept.worker)] }, now);
    if (kept?.kind === 'spans' && !kept.run) unplaced.push(...kept.spans.map(spanOf));
    if ((kept?.kind !== 'spans' && kept?.kind !== 'record') || !kept.run || id === null) continue;
    const { root, trace, chain } = kept.run;
    const begun = {
      id,
      rootSpanId: root,
      traceId: trace,
      chain,
      facts: noFacts(),
      isGapped: false,
      isMisled: false,
    };
    let run: HeardRun = runs.get(id) ?? begun;
    if (kept.kind === 'record') {
      const record = { ...kept.record, time: BigInt(kept.record.time) };
      records.push(record);
      run = hearRecord(run, record, root);
    }
    // Those that were strays have a row of their own, and a span that came twice was kept once.
    else
      for (const span of kept.spans.map(spanOf))
        if (fitOf(run, span) === 'fits') run = hearSpan(run, span, root).run;
    runs.set(id, run);
  }
  for (const record of records) assembler.workers.isRepeat(assembler.workers.of(record), record, now);
  for (const run of runs.values()) restoreRun(assembler, run, now);
  assembler.take({ kind: 'spans', spans: unplaced }, now, out);
  for (const id of runs.keys()) {
    const run = assembler.open.called(id);
    if (run && run.facts.records.size > 0) assembler.emitCertain(run, out);
  }
}

function restoreRun(assembler: Assembler, run: HeardRun, now: number): void {
  const { open, workers } = assembler;
  // Of two that claim one chain span, only records of the one did.
  const other = run.rootSpanId === undefined ? undefined : open.of(run.rootSpanId);
  const isMisled = other !== undefined && spanCount(run.facts) === 0;
  if (other && !isMisled) open.forgetIds(other);
  const restored = open.restore(keptRun(isMisled ? withoutIds(run) : run), undefined, now);
  workers.get(workerOf(run.facts))?.runs.add(restored);
}

function keptRun(run: HeardRun): KeptRun {
  const uuids = [...run.facts.records.values()].flatMap(({ before, after }) => [before, after]);
  for (const { vconUuid } of spansOf(run.facts)) if (vconUuid !== undefined) uuids.push(vconUuid);
  const named = uuids.filter((uuid) => uuid !== undefined);
  return { ...run, uuids: [...new Set(named)], isNameless: named.length < uuids.length, emitted: [] };
}

function spanOf({ abandoned = false, ...span }: SpanOf01): SpanFact {
  return { ...span, failed: span.failed && !abandoned, undecided: abandoned };
}

function numbersOf([key, low, top, topTime, missing, hasSpans]: WorkerOf01) {
  return { key, low, top, topTime: BigInt(topTime), missing: toRanges(missing), givenUp: [], hasSpans };
}

function read(body: string): BodyOf01 | undefined {
  try {
    return JSON.parse(body) as BodyOf01;
  } catch {
    return undefined;
  }
}
