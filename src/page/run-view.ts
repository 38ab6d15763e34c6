import type { JournalEntry } from '../journal/admin.ts';
import { eventName } from '../model/event.ts';
import type { Run, RunStep } from '../model/run.ts';

/** What a page shows of a run: all that is known of it but content, which is nowhere here. */
export interface RunView {
  readonly id: string;
  readonly trace_id: string;
  readonly chain: string;
  readonly vcon: string | null;
  readonly out_vcon: string | null;
  /** Milliseconds since the Unix epoch. */
  readonly start: number;
  /** Seconds; null while it is under way. */
  readonly duration: number | null;
  readonly outcome: string | null;
  readonly error_type: string | null;
  /** Its end is not known and will not be. */
  readonly lost: boolean;
  readonly links: readonly string[];
  /** The runs that queued the vCon. */
  readonly queued_by: readonly { readonly id: string; readonly trace_id: string }[];
  readonly sender: string | null;
  readonly sha256: string | null;
  readonly inferred: readonly string[];
  /** How much was heard when it was over. */
  readonly late: number;
  readonly steps: readonly StepView[];
  /** What tracers heard of it; null where nothing keeps that. */
  readonly heard: readonly HeardView[] | null;
}

interface StepView {
  readonly stage: string;
  readonly name: string;
  readonly index: number | null;
  readonly span_id: string;
  /** Seconds after the start of the run. */
  readonly start: number;
  readonly duration: number | null;
  readonly outcome: string | null;
  readonly error_type: string | null;
  readonly vcon: string | null;
  readonly out_vcon: string | null;
  readonly sha256: string | null;
  readonly inferred: readonly string[];
}

/** How an event stands at a tracer. */
export interface HeardView {
  readonly tracer: string;
  readonly event_id: string;
  readonly event: string;
  /** The place of its step in the list; null where it is of the chain. */
  readonly step: number | null;
  readonly state: string;
  readonly attempts: number;
  /** Milliseconds since the Unix epoch: when it happened, and when it was heard or given up. */
  readonly time: number;
  readonly at: number | null;
  /** When the first attempt was made, or an operator asked for it; null where none was. */
  readonly since: number | null;
  /** Seconds that the last attempt took. */
  readonly duration: number | null;
  readonly error_type: string | null;
}

/** @param entries undefined where no journal keeps them */
export function runView(run: Run, entries?: readonly JournalEntry[]): RunView {
  const stepOf = new Map(
    run.steps.flatMap(({ eventIds }, index) =>
      Object.values(eventIds).map((end) => [run.runId + end, index]),
    ),
  );
  return {
    id: run.runId,
    trace_id: run.spanContext.traceId,
    chain: run.chain,
    vcon: run.inVconUuid ?? null,
    out_vcon: run.outVconUuid ?? null,
    start: run.start,
    duration: run.duration ?? null,
    outcome: run.outcome ?? null,
    error_type: run.errorType ?? null,
    lost: run.phase === 'lost',
    links: run.links,
    queued_by: run.queuedBy.map(({ spanId, traceId }) => ({ id: spanId, trace_id: traceId })),
    sender: run.sender ?? null,
    sha256: run.vconSha256 ?? null,
    inferred: run.inferred,
    late: run.late ?? 0,
    steps: run.steps.map((step) => stepView(step, run.start)),
    heard: entries?.map((entry) => heardView(entry, stepOf)) ?? null,
  };
}

function stepView(step: RunStep, origin: number): StepView {
  return {
    stage: step.stage,
    name: step.name,
    index: step.index ?? null,
    span_id: step.spanContext.spanId,
    start: Math.round((step.start - origin) * 1e3) / 1e6,
    duration: step.duration ?? null,
    outcome: step.outcome ?? null,
    error_type: step.errorType ?? null,
    vcon: step.inVconUuid ?? null,
    out_vcon: step.outVconUuid ?? null,
    sha256: step.vconSha256 ?? null,
    inferred: step.inferred,
  };
}

/** @param stepOf the places of steps by the ids of their events; undefined where there is no list of them */
export function heardView(entry: JournalEntry, stepOf: ReadonlyMap<string, number> | undefined): HeardView {
  const { tracer, event, state, attempts, since, at, duration, errorType } = entry;
  return {
    tracer,
    event_id: event.eventId,
    event: eventName(event),
    step: stepOf?.get(event.eventId) ?? null,
    state,
    attempts,
    time: event.time,
    at: at ?? null,
    since: since ?? null,
    duration: duration ?? null,
    error_type: errorType ?? null,
  };
}
