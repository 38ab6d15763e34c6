import type { ReceivedSpan } from '../received-span.ts';
import type { ClosedRuns } from './closed-runs.ts';
import type { LooseSpan, LooseSpans } from './loose-spans.ts';
import { OpenRun, SLACK, spanIdOf } from './open-run.ts';
import type { OpenRuns } from './open-runs.ts';
import { type ChainPlan, compareTimes, failedLink, lastLink, linksOf, toHrTime, toMillis } from './story.ts';

/** Where a span belongs. */
export type SpanPlace =
  | { readonly place: 'run'; readonly run: OpenRun; readonly strays: readonly ReceivedSpan[] }
  | { readonly place: 'loose' | 'late' | 'repeated' };

const LOOSE: SpanPlace = { place: 'loose' };
const LATE: SpanPlace = { place: 'late' };
const REPEATED: SpanPlace = { place: 'repeated' };

/** What is looked at when a span of unknown place is to be found a run: more is not worth the time. */
const MAX_LOOKED_AT = 1_000;

/** Finds the run that a span belongs to, mostly by its chain span's id, else by what cannot be otherwise. */
export class SpanPlacement {
  readonly #open: OpenRuns;
  readonly #closed: ClosedRuns;
  readonly #loose: LooseSpans;

  constructor(open: OpenRuns, closed: ClosedRuns, loose: LooseSpans) {
    this.#open = open;
    this.#closed = closed;
    this.#loose = loose;
  }

  /** Puts a span into its run, which may be a new one; what goes to no run is not kept here. */
  place(span: ReceivedSpan): SpanPlace {
    if (this.#loose.has(span.spanId)) return REPEATED;
    const root = span.stage === 'chain' ? span.spanId : span.parentSpanId;
    if (root === undefined) {
      // Older servers have no span of the chain around it.
      const run = span.stage === 'link' ? this.#recordedAs(span, () => true) : undefined;
      if (run) return this.#put(run, span);
      return this.#isOver(span) ? LATE : LOOSE;
    }
    const run = this.#open.get(root);
    if (!run) {
      const closed = this.#closed.get(root);
      // After a run has failed, the server may put spans of the next one below it.
      if (closed) return span.stage !== 'chain' && toMillis(span.start) > closed.to + SLACK ? LOOSE : LATE;
      return this.#put(this.#recorded(span) ?? this.#begin(span, root), span, root);
    }
    const fit = run.fit(span);
    if (fit === 'repeated') return REPEATED;
    if (fit === 'fits') return this.#put(run, span, root);
    // Records have claimed the chain span of a run that is not theirs.
    return span.stage === 'chain' && !run.chainSpan ? this.#put(this.#beside(span), span) : LOOSE;
  }

  /** Takes what fits a run out of the loose spans. */
  adopt(run: OpenRun, plan: ChainPlan | undefined): LooseSpan[] {
    if (run.chain === undefined || this.#loose.size === 0) return [];
    const adopted: LooseSpan[] = [];
    const take = (loose: LooseSpan) => {
      if (!this.#belongs(run, loose.span) || run.fit(loose.span) !== 'fits') return;
      run.add(loose.span);
      this.#loose.remove(loose);
      adopted.push(loose);
    };
    for (const loose of this.#loose.of(run.chain, run.uuids())) take(loose);
    // A last link that gave the vCon a new uuid shows in nothing but its storages.
    const missing = (plan?.storages ?? []).length - run.storages.length;
    if (missing > 0 && run.chainSpan)
      for (const loose of this.#loose.ofChain(run.chain, MAX_LOOKED_AT))
        if (loose.span.stage === 'storage' && this.#isOnlyHome(run, loose.span)) take(loose);
    return adopted;
  }

  /**
   * Links that are below a span of somebody else's, which lies between them and their chain span, seem to be a run of their
   * own.
   * @returns such runs, all of whose spans this run has taken over
   */
  takeOver(run: OpenRun): OpenRun[] {
    const taken: OpenRun[] = [];
    if (!run.chainSpan) return taken;
    for (const other of [...this.#open.with(run.chainSpan.vconUuid)]) {
      if (other === run || other.chainSpan || other.records.size > 0) continue;
      const spans = [...other.links.values(), ...other.storages];
      if (!spans.every((span) => span.traceId === run.traceId && this.#belongs(run, span))) continue;
      if (!spans.every((span) => run.fit(span) === 'fits')) continue;
      for (const span of spans) run.add(span);
      taken.push(other);
    }
    return taken;
  }

  /**
   * A run that only spans told of, and one that only records with wrong ids did, may be one and the same.
   * @returns the one with the records
   */
  counterpart(run: OpenRun): OpenRun | undefined {
    if (run.records.size > 0 || run.told) return undefined;
    for (const span of run.links.values()) {
      const other = this.#recordedAs(span, () => true);
      if (other && linksOf(other, undefined).links.length > lastLink(run)) return other;
    }
    return undefined;
  }

  #put(run: OpenRun, span: ReceivedSpan, root = run.rootSpanId): SpanPlace {
    run.rootSpanId ??= root;
    return { place: 'run', run, strays: run.add(span) };
  }

  #begin({ traceId, chain }: ReceivedSpan, root: string): OpenRun {
    return new OpenRun({ id: root, rootSpanId: root, traceId, chain });
  }

  #beside({ spanId, traceId, chain }: ReceivedSpan): OpenRun {
    return new OpenRun({ id: spanIdOf(spanId, 'beside'), rootSpanId: undefined, traceId, chain });
  }

  /** The run of which records came without a usable id of the chain span. */
  #recorded(span: ReceivedSpan): OpenRun | undefined {
    if (span.stage === 'link') return this.#recordedAs(span, (run) => run.rootSpanId === undefined);
    if (span.stage === 'storage') return undefined;
    for (const run of this.#open.with(span.vconUuid)) {
      if (run.rootSpanId !== undefined || run.chainSpan || run.fit(span) !== 'fits') continue;
      const times = [...run.records.values()].map(({ time }) => toMillis(toHrTime(time)));
      const isWithin = times.every(
        (time) => time >= toMillis(span.start) - SLACK && (span.failed || time <= toMillis(span.end) + SLACK),
      );
      if (isWithin && run.spans === 0) return run;
    }
    return undefined;
  }

  #recordedAs(
    span: Extract<ReceivedSpan, { stage: 'link' }>,
    isAsked: (run: OpenRun) => boolean,
  ): OpenRun | undefined {
    for (const run of this.#open.with(span.vconUuid)) {
      if (run.spans > 0 || !isAsked(run)) continue;
      const record = [...run.records.values()].find((each) => run.holds(span, each));
      if (record && run.fit(span) === 'fits') return run;
    }
    return undefined;
  }

  #isOver(span: ReceivedSpan): boolean {
    const { vconUuid, chain, start } = span;
    const closed = vconUuid === undefined ? undefined : this.#closed.at(vconUuid, toMillis(start));
    return closed?.chain === chain;
  }

  /** Whether a loose span lies where a step of this run can have been. */
  #belongs(run: OpenRun, span: ReceivedSpan): boolean {
    const { chainSpan } = run;
    if (span.stage === 'chain' || !chainSpan) return false;
    const isSameTrace = span.traceId === run.traceId;
    if (!isSameTrace && span.stage === 'link' && span.parentSpanId !== undefined && !this.#isRoot(span))
      return false;
    const from = toMillis(chainSpan.start) - SLACK;
    const isWithin =
      toMillis(span.start) >= from &&
      (chainSpan.failed || toMillis(span.end) <= toMillis(chainSpan.end) + SLACK);
    if (!isWithin) return false;
    if (span.stage === 'link') return true;
    const last = run.links.get(lastLink(run));
    return (
      !failedLink(run) &&
      (!last || compareTimes(span.start, last.end) >= 0 || SLACK > toMillis(last.end) - toMillis(span.start))
    );
  }

  /** Whether its parent is a chain span: then it is a wrong one, but not somebody else's. */
  #isRoot({ parentSpanId }: ReceivedSpan): boolean {
    return (
      parentSpanId !== undefined &&
      (this.#open.get(parentSpanId) ?? this.#closed.get(parentSpanId)) !== undefined
    );
  }

  /** Whether no other run can have written to the storage. */
  #isOnlyHome(run: OpenRun, span: ReceivedSpan): boolean {
    let looked = 0;
    for (const other of this.#open) {
      looked += 1;
      if (looked > MAX_LOOKED_AT) return false;
      if (other !== run && other.chain === run.chain && this.#belongs(other, span)) return false;
    }
    return true;
  }
}
