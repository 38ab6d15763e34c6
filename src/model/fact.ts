import type { HrTime } from '@opentelemetry/api';
import type { Sent } from './sent.ts';
import type { ServerFact } from './server-fact.ts';
import type { SpanFacts } from './span-facts.ts';

/*
 * A fact is what a wire brings of a run, before it is known which run it belongs to: a span of the conserver, or a record of
 * one of its tracer calls. Receivers make facts, assembly turns them into runs. Nothing in a fact is trusted to be consistent.
 */
/** What a forwarder reports: a call of a tracer, or whatever a module inside the server hears. */
export type ReportedFact = RecordFact | ServerFact;

/** One of the conserver's spans as it came from outside: what it says, and where and when. Nothing of it is trusted to fit. */
export type SpanFact = SpanFacts &
  Sent & {
    readonly traceId: string;
    readonly spanId: string;
    /** Of its own trace; absent on a root. Not always what the span belongs to (CONSERVER §4, quirks). */
    readonly parentSpanId: string | undefined;
    readonly start: HrTime;
    readonly end: HrTime;
  };

/**
 * One call of a tracer's `run` in a Python conserver, as its forwarder sent it (CONSERVER §6). The ids are hints: they can
 * be those of another run, or missing.
 */
export interface RecordFact extends Sent {
  /** The name of the forwarding tracer there. */
  readonly tracer: string;
  /** uuid before the link and after it; absent where it is none (a link that returned `True`). */
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly links: readonly string[];
  /** -1 before the first link. */
  readonly index: number;
  /** Nanoseconds since the Unix epoch. */
  readonly time: bigint;
  /** What the sender gave as its time, where that cannot be and `time` is when it came. */
  readonly claimed?: bigint;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  /** Of the chain span, as far as the forwarder could tell. */
  readonly rootSpanId: string | undefined;
  readonly chain: string | undefined;
  readonly worker: { readonly host: string; readonly pid: number };
  /** Grows by one with every record of a worker. */
  readonly seq: number;
  /** SHA-256 (hex) of the document the chain goes on with, at that moment. */
  readonly vconSha256: string | undefined;
}

/** Whether a fact was heard inside the server. */
export function isServerFact(fact: ReportedFact): fact is ServerFact {
  return 'kind' in fact;
}
