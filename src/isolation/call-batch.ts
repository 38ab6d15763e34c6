import { createTraceState, type SpanContext } from '@opentelemetry/api';
import type { ChainEvent } from '../model/event.ts';

/** A call on its way to a tracer. */
export interface Call {
  /** Its number. */
  readonly id: number;
  /** The `link_index` of a `run` call; undefined: it is a `trace` call, or a `traceBatch` of several events. */
  readonly runIndex: number | undefined;
  readonly events: readonly ChainEvent[];
}

//  Calls cross as one text: JSON of columns without names takes a fraction of the time of a structured clone.

/** What is absent is null. */
type Row = readonly (string | number | boolean | readonly string[] | null)[];

/** Puts calls into one text. The links of chains, which events of a run share, are in it once. */
export function encodeCalls(calls: readonly Call[]): string {
  const lists = new Map<readonly string[], number>();
  const rowOf = (event: ChainEvent): Row => {
    const { links, spanContext } = event;
    let list = lists.get(links);
    if (list === undefined) {
      list = lists.size;
      lists.set(links, list);
    }
    return [
      ...[list, event.eventId, event.runId, event.stage, event.phase, event.chain],
      ...[event.link ?? null, event.linkIndex ?? null, event.storage ?? null],
      ...[event.inVconUuid, event.outVconUuid, event.outcome ?? null, event.errorType ?? null],
      ...[event.time, event.duration ?? null, event.vconSha256 ?? null, event.calls ?? null, event.inferred],
      ...[spanContext.traceId, spanContext.spanId, spanContext.traceFlags, spanContext.isRemote ?? null],
      ...[spanContext.traceState?.serialize() ?? null, event.sender ?? null],
    ];
  };
  const all = calls.map(({ id, runIndex, events }) => [id, runIndex ?? null, ...events.map(rowOf)]);
  return JSON.stringify([[...lists.keys()], all]);
}

/** Reads what {@link encodeCalls} has made. Events are frozen, as they were. */
export function decodeCalls(text: string): Call[] {
  const [lists, calls] = JSON.parse(text) as [string[][], [number, number | null, ...unknown[][]][]];
  for (const list of lists) Object.freeze(list);
  return calls.map(([id, runIndex, ...rows]) => ({
    id,
    runIndex: optional(runIndex),
    events: rows.map(([list, ...event]) => readEvent(lists[list as number] ?? [], event)),
  }));
}

function readEvent(links: readonly string[], values: unknown[]): ChainEvent {
  const [eventId, runId, stage, phase, chain, link, linkIndex, storage, inVconUuid, outVconUuid, ...others] =
    values;
  const [outcome, errorType, time, duration, vconSha256, calls, inferred, ...span] = others;
  return Object.freeze({
    eventId,
    runId,
    stage,
    phase,
    chain,
    links,
    link: optional(link),
    linkIndex: optional(linkIndex),
    storage: optional(storage),
    inVconUuid,
    outVconUuid,
    outcome: optional(outcome),
    errorType: optional(errorType),
    time,
    duration: optional(duration),
    spanContext: readSpanContext(span),
    vconSha256: optional(vconSha256),
    ...(calls === null ? {} : { calls }),
    sender: optional(span[SENDER]),
    inferred: Object.freeze(inferred),
  } as ChainEvent);
}

/** Its place behind what is said of the span. */
const SENDER = 5;

function readSpanContext([traceId, spanId, traceFlags, isRemote, traceState]: unknown[]): SpanContext {
  return Object.freeze({
    traceId,
    spanId,
    traceFlags,
    ...(isRemote === null ? {} : { isRemote }),
    ...(typeof traceState === 'string' ? { traceState: createTraceState(traceState) } : {}),
  } as SpanContext);
}

function optional<T>(value: T | null): T | undefined {
  return value === null ? undefined : value;
}
