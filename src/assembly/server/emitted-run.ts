import { type SpanContext, TraceFlags } from '@opentelemetry/api';
import { calledEvent, chainEvent } from '../../model/chain-event.ts';
import type { ChainEvent, ChainOutcome, LinkOutcome, StorageOutcome } from '../../model/event.ts';
import { GrowingRun, type GrowingStep } from '../../model/growing-run.ts';
import { union } from '../../model/inferred.ts';
import { millisOf } from '../../model/nanoseconds.ts';
import type { ServerSpan } from '../../model/server-fact.ts';
import { spanIdOf, traceIdOf } from '../ids.ts';

/** What identifies a span. */
export type SpanIds = Pick<ServerSpan, 'spanId' | 'traceId'>;

/** How a run begins. */
export interface Beginning {
  readonly chain: string;
  readonly links: readonly string[];
  readonly vconUuid: string;
  readonly queuedBy: SpanContext | undefined;
  readonly sender: string | undefined;
  /** Nanoseconds since the Unix epoch. */
  readonly start: bigint;
  readonly vconSha256: string | undefined;
  readonly inferred: readonly string[];
}

/** How a step ends. */
export interface StepEnd {
  readonly outcome: LinkOutcome | StorageOutcome;
  readonly outVconUuid: string;
  /** Nanoseconds since the Unix epoch. */
  readonly end: bigint;
  readonly errorType?: string;
  readonly vconSha256?: string | undefined;
  readonly inferred: readonly string[];
}

/** How a run ends. */
export interface RunEnd {
  readonly outcome: ChainOutcome;
  readonly outVconUuid: string;
  /** Milliseconds since the Unix epoch. */
  readonly end: number;
  readonly errorType?: string;
  readonly inferred: readonly string[];
  readonly lost?: boolean;
}

/** A run whose steps become events as they are told of, with the ids of the server's spans where there are any. */
export class EmittedRun {
  readonly run: GrowingRun;
  readonly #always: () => readonly string[];
  #events: ChainEvent[] = [];

  /**
   * The run begins, with an event of it.
   * @param ids what makes the run's id where no span does
   * @param always names of what is concluded throughout, as things stand
   */
  static begin(
    begun: Beginning,
    chainSpan: SpanIds | undefined,
    ids: readonly (string | number)[],
    always: () => readonly string[],
  ): EmittedRun {
    const spanId = chainSpan?.spanId ?? spanIdOf(...ids);
    const traceId = chainSpan?.traceId ?? traceIdOf(...ids);
    const run = new GrowingRun({
      runId: spanId,
      spanContext: contextOf({ traceId, spanId }),
      chain: begun.chain,
      links: Object.freeze([...begun.links]),
      inVconUuid: begun.vconUuid,
      start: millisOf(begun.start),
      vconSha256: begun.vconSha256,
      queuedBy: begun.queuedBy ? [begun.queuedBy] : [],
      sender: begun.sender,
      inferred: inferredWith(begun.inferred, always),
    });
    const emitted = new EmittedRun(run, always);
    emitted.#emit();
    return emitted;
  }

  /** A run that goes on as it is. @param always see {@link begin} */
  constructor(run: GrowingRun, always: () => readonly string[]) {
    this.run = run;
    this.#always = always;
  }

  /** The last of some steps that has begun and not ended. */
  openStep(is: (step: GrowingStep) => boolean): GrowingStep | undefined {
    return this.run.steps.findLast((step) => step.phase === 'start' && is(step));
  }

  /** The events since it was asked last. */
  takeEvents(): ChainEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  beginLink(
    name: string,
    index: number,
    start: bigint,
    inVconUuid: string,
    span: SpanIds | undefined,
    inferred: readonly string[],
  ): GrowingStep {
    const step = this.run.beginStep({
      stage: 'link',
      name,
      index,
      spanContext: this.#contextOf(span, 'link', index),
      start: millisOf(start),
      inVconUuid,
      inferred: this.#inferred(inferred),
    });
    this.#emit(step);
    return step;
  }

  /** @param pass how many storages began before */
  beginStorage(
    name: string,
    pass: number,
    start: bigint,
    inVconUuid: string,
    span: SpanIds | undefined,
  ): GrowingStep {
    const step = this.run.beginStep({
      stage: 'storage',
      name,
      spanContext: this.#contextOf(span, 'storage', name, pass),
      start: millisOf(start),
      inVconUuid,
      inferred: this.#inferred([]),
    });
    this.#emit(step);
    return step;
  }

  /**
   * Somebody waits for the `run` call of a link that has returned: it is made before it is known how the link ended, and
   * not once more with its end (DESIGN §10).
   */
  call(step: GrowingStep, outVconUuid: string, time: bigint, vconSha256: string | undefined): void {
    const call = { outVconUuid, time: millisOf(time), vconSha256, inferred: this.#inferred([]) };
    this.run.callStep(step, call);
    this.#events.push(calledEvent(this.run, step, call));
  }

  endStep(step: GrowingStep, { end, errorType, inferred, ...ending }: StepEnd): void {
    const at = millisOf(end);
    this.run.endStep(step, {
      ...ending,
      errorType,
      end: at,
      duration: Math.max(0, at - step.start) / 1e3,
      inferred: this.#inferredOfEnd(inferred),
    });
    this.#emit(step);
  }

  finish({ errorType, inferred, ...ending }: RunEnd): void {
    const duration = Math.max(0, ending.end - this.run.start) / 1e3;
    this.run.finish({ ...ending, errorType, duration, inferred: this.#inferredOfEnd(inferred) });
    this.#emit();
  }

  #contextOf(span: SpanIds | undefined, ...words: readonly (string | number)[]): SpanContext {
    const { spanId: runId, traceId } = this.run.spanContext;
    return contextOf(span ?? { traceId, spanId: spanIdOf(runId, ...words) });
  }

  #inferred(names: readonly string[]): readonly string[] {
    return inferredWith(names, this.#always);
  }

  /** How long something took follows from when it was. */
  #inferredOfEnd(names: readonly string[]): readonly string[] {
    const inferred = this.#inferred(names);
    return inferred.includes('time') ? union(inferred, ['duration']) : inferred;
  }

  #emit(step?: GrowingStep): void {
    this.#events.push(chainEvent(this.run, step));
  }
}

function inferredWith(names: readonly string[], always: () => readonly string[]): readonly string[] {
  return Object.freeze([...new Set([...names, ...always()])]);
}

function contextOf({ traceId, spanId }: SpanIds): SpanContext {
  return Object.freeze({ traceId, spanId, traceFlags: TraceFlags.SAMPLED });
}
