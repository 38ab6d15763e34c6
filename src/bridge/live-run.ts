import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { GrowingRun, type GrowingStep, type StepEnding } from '../model/growing-run.ts';
import { union } from '../model/inferred.ts';
import { decodeEnd, outcomeOf } from '../model/span-codec.ts';
import type { StartFacts } from '../model/span-facts.ts';

/** A chain span whose vCon is known. */
export type ChainStart = Extract<StartFacts, { stage: 'chain' }> & { readonly vconUuid: string };

type StepStart = Exclude<StartFacts, { stage: 'chain' }>;

const LINKS: readonly string[] = Object.freeze(['links']);

/**
 * A run that spans of this process tell of, kept from the start of its chain span to its end: grows a {@link GrowingRun} by
 * what no single span says.
 */
export class LiveRun {
  readonly run: GrowingRun;
  readonly #linksInferred: boolean;
  #open: Map<string, GrowingStep> | undefined;
  #nextLink = 0;
  #linkError: string | undefined;
  #halted = false;

  /**
   * @param links the chain's links where the span does not say and the configuration does
   * @param keepsSteps whether steps are kept for observers to look at
   */
  constructor(
    span: ReadableSpan,
    facts: ChainStart,
    links: readonly string[] | undefined,
    keepsSteps: boolean,
  ) {
    const spanContext = copyOf(span.spanContext());
    const known = facts.links ?? links;
    this.#linksInferred = known === undefined;
    this.run = new GrowingRun({
      runId: spanContext.spanId,
      spanContext,
      chain: facts.chain,
      links: Object.freeze([...(known ?? [])]),
      inVconUuid: facts.vconUuid,
      start: toMillis(span.startTime),
      vconSha256: facts.vconSha256,
      queuedBy: facts.queuedBy.length === 0 ? facts.queuedBy : facts.queuedBy.map(copyOf),
      inferred: this.#linksInferred ? union(LINKS, facts.inferred) : facts.inferred,
      keepsSteps,
    });
  }

  /** Links and storages that have started and not ended. */
  get unfinished(): number {
    return this.#open?.size ?? 0;
  }

  /** Whether a step of this run is open under that span. */
  isOpen(spanId: string): boolean {
    return this.#open?.has(spanId) === true;
  }

  /** The chain span has ended. It ends in error if it failed or any of its links did (DESIGN §4). */
  end(span: ReadableSpan): void {
    const { failed, errorType, outcome, outVconUuid, inferred, vconSha256 } = decodeEnd(span, 'chain');
    const error = failed ? (errorType ?? '_OTHER') : this.#linkError;
    const halted = this.#halted || outcome === 'halted';
    const lost = error === undefined && outcome === 'unknown';
    this.run.finish({
      outVconUuid: outVconUuid ?? this.run.outVconUuid,
      end: toMillis(span.endTime),
      duration: toSeconds(span.duration),
      outcome: error !== undefined ? 'error' : lost ? 'unknown' : halted ? 'halted' : 'complete',
      errorType: error,
      vconSha256,
      inferred,
      lost,
    });
  }

  /** A link or storage span of this run has started. */
  startStep(span: ReadableSpan, facts: StepStart): GrowingStep {
    const spanContext = copyOf(span.spanContext());
    const step = this.run.beginStep({
      stage: facts.stage,
      name: facts.name,
      index: facts.stage === 'link' ? this.#place(facts) : undefined,
      spanContext,
      inVconUuid: facts.vconUuid ?? this.run.outVconUuid,
      start: toMillis(span.startTime),
      vconSha256: facts.vconSha256,
      inferred: this.#inferred(facts),
    });
    this.#open ??= new Map();
    this.#open.set(spanContext.spanId, step);
    return step;
  }

  /** A link or storage span has ended; undefined unless it {@link isOpen}. */
  endStep(span: ReadableSpan): GrowingStep | undefined {
    const { spanId } = span.spanContext();
    const step = this.#open?.get(spanId);
    if (!step) return undefined;
    this.#open?.delete(spanId);
    const ending = endingOf(span, step.stage, step.inVconUuid);
    if (step.stage === 'link') {
      this.#linkError ??= ending.errorType;
      if (ending.outcome === 'halt') this.#halted = true;
    }
    this.run.endStep(step, ending);
    return step;
  }

  /** A link's index: what its span says, else the next. */
  #place({ name, index = this.#nextLink }: StepStart & { readonly stage: 'link' }): number {
    this.#nextLink = index + 1;
    if (this.#linksInferred) this.run.addLink(name);
    return index;
  }

  #inferred(facts: StepStart): readonly string[] {
    const linkIndex = facts.stage === 'link' && facts.index === undefined;
    if (!this.#linksInferred && !linkIndex && facts.vconUuid !== undefined) return facts.inferred;
    return union(facts.inferred, [
      ...(this.#linksInferred ? LINKS : []),
      ...(facts.vconUuid === undefined ? ['vcon_uuid'] : []),
      ...(linkIndex ? ['link_index'] : []),
    ]);
  }
}

/**
 * How a link or storage span has ended.
 * @param inVconUuid what entered the step: a step that failed, halted, or keeps, lets it leave
 */
function endingOf(span: ReadableSpan, stage: 'link' | 'storage', inVconUuid: string): StepEnding {
  const facts = decodeEnd(span, stage);
  const outcome = outcomeOf(facts, stage);
  const goesOn = stage === 'link' && (outcome === 'success' || outcome === 'unknown');
  return {
    outVconUuid: (goesOn ? facts.outVconUuid : undefined) ?? inVconUuid,
    end: toMillis(span.endTime),
    duration: toSeconds(span.duration),
    outcome,
    errorType: facts.errorType,
    vconSha256: facts.vconSha256,
    inferred: facts.inferred,
  };
}

/** Milliseconds since the Unix epoch. */
function toMillis([seconds, nanoseconds]: HrTime): number {
  return seconds * 1e3 + nanoseconds / 1e6;
}

function toSeconds([seconds, nanoseconds]: HrTime): number {
  return seconds + nanoseconds / 1e9;
}

function copyOf({ traceId, spanId, traceFlags }: SpanContext): SpanContext {
  return Object.freeze({ traceId, spanId, traceFlags });
}
