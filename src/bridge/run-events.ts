import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { ChainEvent } from '../model/event.ts';
import { goodOutcome, readEnd, type SpanFacts } from './read-span.ts';

/** A chain span whose vCon is known. */
export type ChainStart = Extract<SpanFacts, { stage: 'chain' }> & { readonly vconUuid: string };
type StepFacts = Exclude<SpanFacts, { stage: 'chain' }>;

/** A link or storage that has started and not ended. */
type Step = { readonly inVconUuid: string; readonly inferred: readonly string[] } & (
  | { readonly stage: 'link'; readonly link: string; readonly linkIndex: number }
  | { readonly stage: 'storage'; readonly storage: string; readonly key: string }
);

/**
 * One open run: turns the spans of one passage of one vCon through one chain into its events, in order. It is
 * kept from the start of the chain span to its end, and holds what no single span says.
 */
export class RunEvents {
  readonly id: string;
  readonly chain: string;
  readonly #entering: string;
  readonly #spanContext: SpanContext;
  readonly #linksInferred: boolean;
  readonly #open = new Map<string, Step>();
  #links: readonly string[];
  #current: string;
  #nextLink = 0;
  #linkError: string | undefined;
  #halted = false;
  #storages: string[] = [];

  /** @param links the chain's links where the span does not say and the configuration does */
  constructor(span: ReadableSpan, facts: ChainStart, links?: readonly string[]) {
    this.#spanContext = span.spanContext();
    this.id = this.#spanContext.spanId;
    this.chain = facts.chain;
    this.#entering = facts.vconUuid;
    this.#current = facts.vconUuid;
    const known = facts.links ?? links;
    this.#links = Object.freeze([...(known ?? [])]);
    this.#linksInferred = known === undefined;
  }

  /** Whether a step of this run is open under that span. */
  isOpen(spanId: string): boolean {
    return this.#open.has(spanId);
  }

  /** The chain span has started. */
  start(span: ReadableSpan): ChainEvent {
    return {
      ...this.#common('chain/start', span.startTime, this.#spanContext, this.#entering, this.#entering),
      stage: 'chain',
      phase: 'start',
    };
  }

  /** The chain span has ended. It ends in error if it failed or any of its links did (DESIGN §4). */
  end(span: ReadableSpan): ChainEvent {
    const end = readEnd(span, 'chain');
    const out = end.outVconUuid ?? this.#current;
    const errorType = end.failed ? end.errorType : this.#linkError;
    const phase = errorType === undefined ? 'complete' : 'error';
    const common = {
      ...this.#common(`chain/${phase}`, span.endTime, this.#spanContext, this.#entering, out),
      stage: 'chain',
      duration: span.duration,
    } as const;
    if (errorType !== undefined) return { ...common, phase: 'error', outcome: 'error', errorType };
    const outcome = this.#halted ? 'halted' : goodOutcome('chain', end.outcome);
    return { ...common, phase: 'complete', outcome };
  }

  /** A link or storage span of this run has started. */
  startStep(span: ReadableSpan, facts: StepFacts): ChainEvent {
    const inferred: string[] = [];
    if (facts.vconUuid === undefined) inferred.push('vcon_uuid');
    const inVconUuid = facts.vconUuid ?? this.#current;
    this.#current = inVconUuid;
    const step = this.#step(facts, inVconUuid, inferred);
    this.#open.set(span.spanContext().spanId, step);
    return {
      ...this.#stepCommon(step, 'start', span, span.startTime, inVconUuid),
      ...namesOf(step),
      phase: 'start',
    };
  }

  /** A link or storage span that {@link isOpen} has ended. */
  endStep(span: ReadableSpan): ChainEvent | undefined {
    const { spanId } = span.spanContext();
    const step = this.#open.get(spanId);
    if (!step) return undefined;
    this.#open.delete(spanId);
    const end = readEnd(span, step.stage);
    const at = (phase: string, outVconUuid: string) => ({
      ...this.#stepCommon(step, phase, span, span.endTime, outVconUuid),
      duration: span.duration,
    });
    if (end.failed) {
      const { errorType } = end;
      if (step.stage === 'link') this.#linkError ??= errorType;
      return {
        ...at('error', step.inVconUuid),
        ...namesOf(step),
        phase: 'error',
        outcome: 'error',
        errorType,
      };
    }
    if (step.stage === 'storage') {
      const { stage, storage } = step;
      return { ...at('complete', step.inVconUuid), stage, storage, phase: 'complete', outcome: 'success' };
    }
    const { stage, link, linkIndex } = step;
    const outcome = goodOutcome('link', end.outcome);
    if (outcome === 'halt') this.#halted = true;
    else this.#current = end.outVconUuid ?? step.inVconUuid;
    return { ...at('complete', this.#current), stage, link, linkIndex, phase: 'complete', outcome };
  }

  #step(facts: StepFacts, inVconUuid: string, inferred: string[]): Step {
    if (facts.stage === 'storage') {
      // The same storage written twice in one run is two events.
      const { storage } = facts;
      const before = this.#storages.filter((name) => name === storage).length;
      this.#storages.push(storage);
      return {
        stage: 'storage',
        storage,
        key: before ? `${storage}~${before + 1}` : storage,
        inVconUuid,
        inferred,
      };
    }
    const linkIndex = facts.linkIndex ?? this.#nextLink;
    if (facts.linkIndex === undefined) inferred.push('link_index');
    this.#nextLink = linkIndex + 1;
    if (this.#linksInferred) this.#links = Object.freeze([...this.#links, facts.link]);
    return { stage: 'link', link: facts.link, linkIndex, inVconUuid, inferred };
  }

  #stepCommon(step: Step, phase: string, span: ReadableSpan, time: HrTime, outVconUuid: string) {
    const key = `${step.stage}/${step.stage === 'link' ? step.linkIndex : step.key}/${phase}`;
    return this.#common(key, time, span.spanContext(), step.inVconUuid, outVconUuid, step.inferred);
  }

  #common(
    key: string,
    time: HrTime,
    { traceId, spanId, traceFlags }: SpanContext,
    inVconUuid: string,
    outVconUuid: string,
    inferred: readonly string[] = [],
  ) {
    const all = this.#linksInferred ? ['links', ...inferred] : inferred;
    return {
      id: `${this.id}/${key}`,
      runId: this.id,
      chain: this.chain,
      links: this.#links,
      inVconUuid,
      outVconUuid,
      time,
      traceId,
      spanId,
      traceFlags,
      ...(all.length === 0 ? undefined : { inferred: all }),
    };
  }
}

function namesOf(step: Step) {
  return step.stage === 'link'
    ? ({ stage: 'link', link: step.link, linkIndex: step.linkIndex } as const)
    : ({ stage: 'storage', storage: step.storage } as const);
}
