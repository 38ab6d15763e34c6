import type { ForwardedRecord } from '../forwarded-record.ts';
import type { ReceivedSpan } from '../received-span.ts';
import type { ClosedRun, ClosedRuns } from './closed-runs.ts';
import type { LooseSpan, LooseSpans } from './loose-spans.ts';
import { OpenRun, SLACK, spanIdOf } from './open-run.ts';
import type { OpenRuns } from './open-runs.ts';
import {
  type ChainPlan,
  compareTimes,
  failedLink,
  type LinkSpan,
  lastLink,
  toHrTime,
  toMillis,
} from './story.ts';

/** Where a span belongs. */
export type SpanPlace =
  | { readonly place: 'run'; readonly run: OpenRun; readonly strays: readonly ReceivedSpan[] }
  | { readonly place: 'loose' | 'late' | 'repeated' };

const LOOSE: SpanPlace = { place: 'loose' };
const LATE: SpanPlace = { place: 'late' };
const REPEATED: SpanPlace = { place: 'repeated' };

/** What is looked at when a span of unknown place is to be found a run: more is not worth the time. */
const MAX_LOOKED_AT = 200;

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
    if (!run) return this.#placeNew(span, root);
    const fit = run.fit(span);
    if (fit === 'repeated') return REPEATED;
    if (fit === 'fits') return this.#put(run, span, root);
    if (run.spans > 0) return LOOSE;
    // Only records have claimed this chain span, and not rightly.
    this.#open.doubt(run);
    return this.#placeNew(span, root);
  }

  /** A span of a run that is not open. */
  #placeNew(span: ReceivedSpan, root: string): SpanPlace {
    const closed = this.#closed.get(root);
    if (closed && isOf(closed, span)) return LATE;
    // After a run has failed, the server may put spans of the next one below it.
    if (closed && span.stage !== 'chain') return LOOSE;
    return this.#put(this.#recorded(span) ?? this.#begin(span, root, closed !== undefined), span, root);
  }

  /** Takes what fits a run out of the loose spans. */
  adopt(run: OpenRun, plan: ChainPlan | undefined): LooseSpan[] {
    if (run.chain === undefined || this.#loose.size === 0) return [];
    const adopted: LooseSpan[] = [];
    const take = (loose: LooseSpan) => {
      if (!this.#belongs(run, loose.span) || !isWanting(run, loose.span, plan)) return;
      if (run.fit(loose.span) !== 'fits') return;
      run.add(loose.span);
      this.#loose.remove(loose);
      adopted.push(loose);
    };
    for (const loose of this.#loose.of(run.chain, [...leavingUuid(run), ...run.uuids()])) take(loose);
    if (mayHaveNewUuid(run, plan))
      for (const loose of this.#loose.ofChain(run.chain, MAX_LOOKED_AT))
        if (loose.span.stage === 'storage' && this.#isOnlyHome(run, loose.span, plan)) take(loose);
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
      run.absorb(other);
      taken.push(other);
    }
    return taken;
  }

  /** A run that only spans told of, and one that only records with wrong ids did, may be one and the same. */
  counterpart(run: OpenRun): { readonly spans: OpenRun; readonly records: OpenRun } | undefined {
    if (run.records.size === 0) {
      for (const span of run.links.values()) {
        for (const other of this.#open.with(span.vconUuid))
          if (other.spans === 0 && isAllInside(other, run)) this.#open.doubt(other);
        const records = this.#recordedAs(span, () => true);
        if (records) return { spans: run, records };
      }
      return undefined;
    }
    if (run.spans > 0) return undefined;
    this.#examine(run);
    for (const uuid of run.uuids())
      for (const spans of this.#open.with(uuid)) {
        if (spans.records.size > 0) continue;
        if ([...spans.links.values()].some((span) => this.#isRecordedIn(run, span)))
          return { spans, records: run };
      }
    return undefined;
  }

  #put(run: OpenRun, span: ReceivedSpan, root = run.rootSpanId): SpanPlace {
    run.rootSpanId ??= root;
    return { place: 'run', run, strays: run.add(span) };
  }

  /** @param isTaken what the run would be called by has been told of another one */
  #begin({ traceId, chain }: ReceivedSpan, root: string, isTaken: boolean): OpenRun {
    const id =
      isTaken || this.#open.hasId(root) || this.#closed.hasId(root) ? spanIdOf(root, 'itself') : root;
    return new OpenRun({ id, rootSpanId: root, traceId, chain });
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
      this.#examine(run);
      if (this.#isRecordedIn(run, span)) return run;
    }
    return undefined;
  }

  /** A chain span that was current in place of a link's is a failed run's: the ids are not those of this run. */
  #examine(run: OpenRun): void {
    const isLie = ({ spanId }: ForwardedRecord) =>
      spanId !== undefined && (this.#open.get(spanId) ?? this.#closed.get(spanId)) !== undefined;
    if ([...run.records.values()].some(isLie)) this.#open.doubt(run);
  }

  /** Whether one of a run's records was made inside a link's span. */
  #isRecordedIn(run: OpenRun, span: LinkSpan): boolean {
    return run.fit(span) === 'fits' && [...run.records.values()].some((record) => run.holds(span, record));
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
    if (chainSpan.failed) return false;
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
  #isOnlyHome(run: OpenRun, span: ReceivedSpan, plan: ChainPlan | undefined): boolean {
    let looked = 0;
    for (const other of this.#open) {
      looked += 1;
      if (looked > MAX_LOOKED_AT) return false;
      if (other === run || other.chain !== run.chain || !isWanting(other, span, plan)) continue;
      if (this.#belongs(other, span)) return false;
    }
    return true;
  }
}

/** Whether a span can be of a run that is over. */
function isOf({ chain, uuids, to }: ClosedRun, span: ReceivedSpan): boolean {
  if (chain !== span.chain) return false;
  return span.stage === 'chain'
    ? span.vconUuid === undefined || uuids.includes(span.vconUuid)
    : toMillis(span.start) <= to + SLACK;
}

/** Whether all records of a run were made inside another's links: then they are its records, whatever they say. */
function isAllInside({ records }: OpenRun, run: OpenRun): boolean {
  for (const record of records.values()) {
    const span = run.links.get(Math.max(record.index, 0));
    if (!span || !run.holds(span, record, 0)) return false;
  }
  return records.size > 0;
}

/** Whether the last of a chain's links may have given the vCon a uuid that shows in nothing but its storages. */
function mayHaveNewUuid(run: OpenRun, plan: ChainPlan | undefined): boolean {
  const last = lastLink(run);
  if (!run.chainSpan || run.chainSpan.failed || last === -1 || run.records.has(last)) return false;
  if (plan?.links !== undefined && last < plan.links.length - 1) return false;
  return run.storages.length === 0 && (plan?.storages?.length ?? 0) > 0;
}

/** The uuid that storages most probably see: none but the last link can have changed it since. */
function* leavingUuid(run: OpenRun): Iterable<string> {
  const last = lastLink(run);
  const uuid = run.records.get(last)?.after ?? run.links.get(last)?.vconUuid;
  if (uuid !== undefined) yield uuid;
}

/** Whether a step has a place in a run that is free: its chain writes to a storage once, if nothing else is configured. */
function isWanting({ storages }: OpenRun, span: ReceivedSpan, plan: ChainPlan | undefined): boolean {
  if (span.stage !== 'storage') return true;
  const times = plan?.storages?.filter((name) => name === span.name).length ?? 1;
  return storages.filter(({ name }) => name === span.name).length < Math.max(times, 1);
}
