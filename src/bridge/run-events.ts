import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { ChainEvent, Phase, Stage } from '../model/event.ts';
import { endingsOf } from './event-id.ts';
import { readEnd, type SpanFacts } from './read-span.ts';

/** A chain span whose vCon is known. */
export type ChainStart = Extract<SpanFacts, { stage: 'chain' }> & { readonly vconUuid: string };

type StepStart = Exclude<SpanFacts, { stage: 'chain' }>;

/** What is known of the chain, or of one of its steps, from its start to its end. */
interface Subject {
  readonly stage: Stage;
  /** How its event ids end. */
  readonly endings: ReturnType<typeof endingsOf>;
  readonly link: string | undefined;
  readonly linkIndex: number | undefined;
  readonly storage: string | undefined;
  readonly inVconUuid: string;
  readonly spanContext: SpanContext;
  readonly inferred: readonly string[];
  readonly vconSha256: string | undefined;
}

/** How it ended. */
interface End {
  readonly outVconUuid: string;
  readonly outcome: NonNullable<ChainEvent['outcome']>;
  readonly errorType?: string;
  readonly inferred: readonly string[];
  readonly vconSha256: string | undefined;
}

const LINKS: readonly string[] = Object.freeze(['links']);

/**
 * One open run: turns the spans of one passage of one vCon through one chain into its events, in order. It is
 * kept from the start of the chain span to its end, and holds what no single span says.
 */
export class RunEvents {
  readonly id: string;
  readonly chain: string;
  readonly #subject: Subject;
  readonly #linksInferred: boolean;
  readonly #open = new Map<string, Subject>();
  #links: readonly string[];
  #current: string;
  #nextLink = 0;
  #linkError: string | undefined;
  #halted = false;
  #storages: Map<string, number> | undefined;

  /** @param links the chain's links where the span does not say and the configuration does */
  constructor(span: ReadableSpan, facts: ChainStart, links?: readonly string[]) {
    const spanContext = copyOf(span.spanContext());
    this.id = spanContext.spanId;
    this.chain = facts.chain;
    this.#current = facts.vconUuid;
    const known = facts.links ?? links;
    this.#links = Object.freeze([...(known ?? [])]);
    this.#linksInferred = known === undefined;
    this.#subject = {
      stage: 'chain',
      endings: endingsOf(undefined, 0),
      link: undefined,
      linkIndex: undefined,
      storage: undefined,
      inVconUuid: facts.vconUuid,
      spanContext,
      inferred: this.#linksInferred ? union(LINKS, facts.inferred) : facts.inferred,
      vconSha256: facts.vconSha256,
    };
  }

  /** Links and storages that have started and not ended. */
  get unfinished(): number {
    return this.#open.size;
  }

  /** Whether a step of this run is open under that span. */
  isOpen(spanId: string): boolean {
    return this.#open.has(spanId);
  }

  /** The chain span has started. */
  start(span: ReadableSpan): ChainEvent {
    return this.#event(this.#subject, 'start', span.startTime);
  }

  /** The chain span has ended. It ends in error if it failed or any of its links did (DESIGN §4). */
  end(span: ReadableSpan): ChainEvent {
    const end = readEnd(span, 'chain');
    const { inferred, vconSha256 } = end;
    const outVconUuid = end.outVconUuid ?? this.#current;
    const errorType = end.failed ? end.errorType : this.#linkError;
    if (errorType !== undefined)
      return this.#ended(this.#subject, span, {
        outVconUuid,
        outcome: 'error',
        errorType,
        inferred,
        vconSha256,
      });
    const halted = this.#halted || end.outcome === 'halted';
    return this.#ended(this.#subject, span, {
      outVconUuid,
      outcome: halted ? 'halted' : 'complete',
      inferred,
      vconSha256,
    });
  }

  /** A link or storage span of this run has started. */
  startStep(span: ReadableSpan, facts: StepStart): ChainEvent {
    this.#current = facts.vconUuid ?? this.#current;
    const spanContext = copyOf(span.spanContext());
    const subject =
      facts.stage === 'link' ? this.#linkOf(facts, spanContext) : this.#storageOf(facts, spanContext);
    this.#open.set(spanContext.spanId, subject);
    return this.#event(subject, 'start', span.startTime);
  }

  /** A link or storage span has ended; undefined unless it {@link isOpen}. */
  endStep(span: ReadableSpan): ChainEvent | undefined {
    const { spanId } = span.spanContext();
    const subject = this.#open.get(spanId);
    if (!subject) return undefined;
    this.#open.delete(spanId);
    const { stage, inVconUuid } = subject;
    const { failed, errorType, outcome, outVconUuid, inferred, vconSha256 } = readEnd(span, stage);
    const said = { inferred, vconSha256 };
    if (failed) {
      if (stage === 'link') this.#linkError ??= errorType;
      return this.#ended(subject, span, {
        outVconUuid: inVconUuid,
        outcome: 'error',
        errorType,
        ...said,
      });
    }
    if (stage === 'storage' || outcome === 'halt') {
      if (stage === 'link') this.#halted = true;
      return this.#ended(subject, span, {
        outVconUuid: inVconUuid,
        outcome: stage === 'link' ? 'halt' : 'success',
        ...said,
      });
    }
    this.#current = outVconUuid ?? inVconUuid;
    return this.#ended(subject, span, { outVconUuid: this.#current, outcome: 'success', ...said });
  }

  #linkOf(facts: Extract<StepStart, { stage: 'link' }>, spanContext: SpanContext): Subject {
    const { link, linkIndex = this.#nextLink } = facts;
    this.#nextLink = linkIndex + 1;
    if (this.#linksInferred) this.#links = Object.freeze([...this.#links, link]);
    return {
      stage: 'link',
      endings: endingsOf(linkIndex, 0),
      link,
      linkIndex,
      storage: undefined,
      inVconUuid: this.#current,
      spanContext,
      inferred: this.#inferred(facts, facts.linkIndex === undefined),
      vconSha256: facts.vconSha256,
    };
  }

  #storageOf(facts: Extract<StepStart, { stage: 'storage' }>, spanContext: SpanContext): Subject {
    const { storage } = facts;
    // The same storage written twice in one run is two events.
    this.#storages ??= new Map();
    const before = this.#storages.get(storage) ?? 0;
    this.#storages.set(storage, before + 1);
    return {
      stage: 'storage',
      endings: endingsOf(storage, before),
      link: undefined,
      linkIndex: undefined,
      storage,
      inVconUuid: this.#current,
      spanContext,
      inferred: this.#inferred(facts, false),
      vconSha256: facts.vconSha256,
    };
  }

  #inferred(facts: StepStart, linkIndex: boolean): readonly string[] {
    if (!this.#linksInferred && !linkIndex && facts.vconUuid !== undefined) return facts.inferred;
    return union(facts.inferred, [
      ...(this.#linksInferred ? LINKS : []),
      ...(facts.vconUuid === undefined ? ['vcon_uuid'] : []),
      ...(linkIndex ? ['link_index'] : []),
    ]);
  }

  #ended(subject: Subject, span: ReadableSpan, end: End): ChainEvent {
    return this.#event(
      subject,
      end.errorType === undefined ? 'complete' : 'error',
      span.endTime,
      span.duration,
      end,
    );
  }

  /** One literal with every key, so that all events have one shape: two are made for each span. */
  #event(subject: Subject, phase: Phase, time: HrTime, duration?: HrTime, end?: End): ChainEvent {
    return Object.freeze({
      eventId: this.id + subject.endings[phase],
      runId: this.id,
      stage: subject.stage,
      phase,
      chain: this.chain,
      links: this.#links,
      link: subject.link,
      linkIndex: subject.linkIndex,
      storage: subject.storage,
      inVconUuid: subject.inVconUuid,
      outVconUuid: end ? end.outVconUuid : subject.inVconUuid,
      outcome: end?.outcome,
      errorType: end?.errorType,
      time: time[0] * 1e3 + time[1] / 1e6,
      duration: duration && duration[0] + duration[1] / 1e9,
      spanContext: subject.spanContext,
      vconSha256: end ? end.vconSha256 : subject.vconSha256,
      inferred: end ? union(withoutTime(subject.inferred), end.inferred) : subject.inferred,
    });
  }
}

/** That the start's time was concluded says nothing of the end's. */
function withoutTime(inferred: readonly string[]): readonly string[] {
  return inferred.includes('time') ? inferred.filter((name) => name !== 'time') : inferred;
}

/** Most often one of them is empty, and nothing has to be made. */
function union(some: readonly string[], others: readonly string[]): readonly string[] {
  if (others.length === 0) return some;
  return Object.freeze(some.length === 0 ? [...others] : [...new Set([...some, ...others])]);
}

/** The SDK's own object must not reach a tracer: exporters read it later. */
function copyOf({ traceId, spanId, traceFlags }: SpanContext): SpanContext {
  return Object.freeze({ traceId, spanId, traceFlags });
}
