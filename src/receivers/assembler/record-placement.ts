import type { ForwardedRecord } from '../forwarded-record.ts';
import type { ClosedRun, ClosedRuns } from './closed-runs.ts';
import { OpenRun, SLACK, spanIdOf, traceIdOf } from './open-run.ts';
import type { OpenRuns } from './open-runs.ts';
import { type ChainPlan, type ChainSpan, toHrTime, toMillis } from './story.ts';
import type { Worker } from './workers.ts';

/** Where a record belongs. */
export type RecordPlace =
  | { readonly place: 'run' | 'repeated'; readonly run: OpenRun }
  | { readonly place: 'late' };

export interface RecordPlacementSettings {
  plan(chain: string): ChainPlan | undefined;
  /** The only chain that is configured with these links, if there is only one. */
  chainWith(links: readonly string[]): string | undefined;
}

/**
 * Finds the run that a record belongs to. Its ids are a hint only: what counts is what cannot be otherwise – the links, the
 * uuid as it stands, the index that is next, the worker, the time (CONSERVER §6).
 */
export class RecordPlacement {
  readonly #open: OpenRuns;
  readonly #closed: ClosedRuns;
  readonly #plan: RecordPlacementSettings['plan'];
  readonly #chainWith: RecordPlacementSettings['chainWith'];
  /** Records whose ids have turned out to be another run's. */
  readonly #misled = new WeakSet<ForwardedRecord>();

  constructor(open: OpenRuns, closed: ClosedRuns, { plan, chainWith }: RecordPlacementSettings) {
    this.#open = open;
    this.#closed = closed;
    this.#plan = plan;
    this.#chainWith = chainWith;
  }

  /** The run of a record; a new one if it has none yet. */
  place(record: ForwardedRecord, worker: Worker): RecordPlace {
    const root = this.#rootOf(record);
    const hinted = root === undefined ? undefined : this.#open.get(root);
    if (hinted?.records.get(record.index)?.seq === record.seq) return { place: 'repeated', run: hinted };
    const isAgreed = hinted && mayEqual(hinted.chain, this.#chainOf(record));
    if (isAgreed && this.#accepts(hinted, record, worker)) return { place: 'run', run: hinted };
    const twin = this.#twin(record, worker);
    if (twin) return { place: 'repeated', run: twin };
    const over = root === undefined ? undefined : this.#closed.get(root);
    const isNew = root !== undefined && !hinted && !over;
    const isAnothers = hinted ? hinted.spans > 0 : over !== undefined && !this.#isLate(record, over);
    if (isAnothers) this.#misled.add(record);
    const run =
      this.#among(
        this.#candidates(worker, record.before, record.after),
        record,
        worker,
        isNew ? root : undefined,
        joins,
      ) ??
      this.#among(this.#open.with(record.before), record, worker, isNew ? root : undefined, (run, it) =>
        isInside(run, it),
      );
    if (run) {
      if (isNew) run.rootSpanId ??= root;
      return { place: 'run', run };
    }
    return this.#isLate(record, over)
      ? { place: 'late' }
      : { place: 'run', run: this.#begin(record, isNew ? root : undefined) };
  }

  /**
   * Records with other ids, or that came before the first of their run, make two runs of a worker out of one: they are one
   * if their records join on to each other, or were made inside the other's links.
   * @param isLast nothing more is to be expected of the run: then what was made inside its links is of it, whatever it says
   * @returns the run that has absorbed the others, which is the one that was told if one was, and these
   */
  unite(
    run: OpenRun,
    worker: Worker,
    isLast = false,
  ): { readonly whole: OpenRun; readonly parts: readonly OpenRun[] } {
    let whole = run;
    const parts: OpenRun[] = [];
    const others = new Set(this.#candidatesLike(run, worker));
    for (const other of others) {
      if (other === whole || parts.includes(other)) continue;
      const [host, part] = other.told ? [other, whole] : [whole, other];
      if (!this.#isPart(host, part, worker, isLast)) continue;
      // What joins on to the one may be known by another uuid than what joins on to the other.
      for (const another of this.#candidatesLike(other, worker)) others.add(another);
      host.absorb(part);
      parts.push(part);
      whole = host;
    }
    return { whole, parts };
  }

  /** Runs of a worker that something with these uuids can be of. There may be thousands of others while we catch up. */
  #candidates(worker: Worker, ...uuids: readonly (string | undefined)[]): Iterable<OpenRun> {
    const known = uuids.filter((uuid) => uuid !== undefined);
    if (known.length < uuids.length) return worker.runs;
    return [...this.#open.maybeWith(known)].filter((run) => worker.runs.has(run));
  }

  #candidatesLike(run: OpenRun, worker: Worker): Iterable<OpenRun> {
    return this.#candidates(worker, ...run.uuids(), ...(this.#open.isVague(run) ? [undefined] : []));
  }

  #isPart(run: OpenRun, part: OpenRun, worker: Worker, isLast: boolean): boolean {
    if (part.told || (run.spans > 0 && part.spans > 0)) return false;
    this.#examine(run);
    this.#examine(part);
    const records = [...part.records.values()];
    const mayJoin = run.rootSpanId === undefined || part.rootSpanId === undefined;
    if (!isLast && !(mayJoin && mayEqual(run.chain, part.chain))) return false;
    // Where the ids say otherwise, another run of the same vCon may have been a moment later.
    const isCertain =
      records.length > 0 && records.every((record) => isInside(run, record, mayJoin ? SLACK : 0));
    // Then even their chain is not what they say.
    if (isCertain && isLast && part.spans === 0) for (const record of records) this.#misled.add(record);
    if (!isCertain && !(mayJoin && records.some((record) => joins(run, record)))) return false;
    return (
      records.every((record) => this.#accepts(run, record, worker)) &&
      [...part.allSpans()].every((span) => run.fit(span) === 'fits')
    );
  }

  /** Whether its run is closed, so far as that can be known. */
  #isLate({ index, time, before, chain, links }: ForwardedRecord, over: ClosedRun | undefined): boolean {
    const at = toMillis(toHrTime(time));
    // A run that was given up goes on; one that begins after this one's end is another with a wrong id.
    if (over) return at <= over.to || (index >= 0 && before !== undefined && over.uuids.includes(before));
    const known = before === undefined ? undefined : this.#closed.at(before, at);
    return known !== undefined && mayEqual(known.chain, chain ?? this.#chainWith(links));
  }

  #rootOf(record: ForwardedRecord): string | undefined {
    return this.#misled.has(record) || this.#isLie(record) ? undefined : record.rootSpanId;
  }

  /** A chain span that is current itself is a failed run's: then none of the ids are this run's. */
  #isLie({ spanId, chain, links }: ForwardedRecord): boolean {
    if (spanId !== undefined && (this.#open.get(spanId) ?? this.#closed.get(spanId))) return true;
    if (chain === undefined) return false;
    // A chain with such links is configured, and it is not this one.
    const known = this.#plan(chain)?.links;
    return known !== undefined && !isSame(known, links) && this.#chainWith(links) !== undefined;
  }

  /** What a run's records say of its chain span may turn out later not to be true. */
  #examine(run: OpenRun): void {
    if (run.spans > 0 || run.isDoubted) return;
    for (const record of run.records.values()) if (this.#isLie(record)) this.#open.doubt(run);
  }

  #accepts(run: OpenRun, record: ForwardedRecord, worker: Worker): boolean {
    const { index, before, seq } = record;
    if (run.records.has(index)) return false;
    if (run.spans > 0 && !mayEqual(run.chain, this.#chainOf(record))) return false;
    if (run.worker !== undefined && run.worker !== worker.key) return false;
    for (const known of run.records.values()) {
      if (!isSame(known.links, record.links)) return false;
      // A run's records are made one after the other.
      if (known.index < index !== known.seq < seq) return false;
    }
    const previous = run.records.get(index - 1);
    const next = run.records.get(index + 1);
    if (!mayEqual(previous?.after, before) || !mayEqual(record.after, next?.before)) return false;
    if (index <= 0 && !mayEqual(run.chainSpan?.vconUuid, before)) return false;
    const span = run.links.get(Math.max(index, 0));
    if (span && !mayEqual(span.vconUuid, before)) return false;
    // Where the ids agree, a clock that was set meanwhile is no reason to doubt them.
    if (span && span.spanId === record.spanId && span.name === record.links[Math.max(index, 0)]) return true;
    if (run.chainSpan && !isDuring(run.chainSpan, record)) return false;
    return !span || run.holds(span, record);
  }

  /** Where two tracers of one server forward, both tell the same. */
  #twin({ tracer, index, before, after, links }: ForwardedRecord, worker: Worker): OpenRun | undefined {
    for (const run of this.#candidates(worker, before, after)) {
      const known = run.records.get(index);
      if (!known || known.tracer === tracer) continue;
      if (known.before === before && known.after === after && isSame(known.links, links)) return run;
    }
    return undefined;
  }

  /**
   * The run among some that a record must be of; of several, the one that began last.
   * @param root what it says of its chain span, where that is of no run that is known
   * @param isCertain what ties it to a run
   */
  #among(
    runs: Iterable<OpenRun>,
    record: ForwardedRecord,
    worker: Worker,
    root: string | undefined,
    isCertain: (run: OpenRun, record: ForwardedRecord) => boolean,
  ): OpenRun | undefined {
    const chain = this.#chainOf(record);
    let found: OpenRun | undefined;
    for (const run of runs) {
      const isAnother = root !== undefined && run.rootSpanId !== undefined && root !== run.rootSpanId;
      if (isAnother || !mayEqual(run.chain, chain) || !isCertain(run, record)) continue;
      if (this.#accepts(run, record, worker)) found = run;
    }
    return found;
  }

  /** What stands on another span than a link's is another chain's. */
  #chainOf(record: ForwardedRecord): string | undefined {
    const isSaid = this.#rootOf(record) !== undefined || record.spanId === undefined;
    return (isSaid ? record.chain : undefined) ?? this.#chainWith(record.links);
  }

  /** What has been told under an id stays told. */
  #isTaken(id: string): boolean {
    return this.#open.hasId(id) || this.#closed.hasId(id);
  }

  #begin(record: ForwardedRecord, root: string | undefined): OpenRun {
    const { worker, seq, time, traceId } = record;
    const words = [worker.host, worker.pid, seq, time] as const;
    return new OpenRun({
      id: root === undefined || this.#isTaken(root) ? spanIdOf(...words) : root,
      rootSpanId: root,
      traceId: (root === undefined ? undefined : traceId) ?? traceIdOf(...words),
      chain: this.#chainOf(record),
    });
  }
}

/** Whether a record is the one before or after another of a run, the vCon having the same uuid in between. */
function joins({ records }: OpenRun, { index, before, after }: ForwardedRecord): boolean {
  const previous = records.get(index - 1);
  const next = records.get(index + 1);
  return (
    (previous !== undefined && mayEqual(previous.after, before)) ||
    (next !== undefined && mayEqual(after, next.before))
  );
}

/** Whether a record was made while a chain span was open, of which the end means nothing if it failed. */
function isDuring({ start, end, failed }: ChainSpan, { time }: ForwardedRecord): boolean {
  const at = toMillis(toHrTime(time));
  return at >= toMillis(start) - SLACK && (failed || at <= toMillis(end) + SLACK);
}

/** Whether a record was made while one of a run's links was open. */
function isInside(run: OpenRun, record: ForwardedRecord, slack = SLACK): boolean {
  const span = run.links.get(Math.max(record.index, 0));
  return span !== undefined && run.holds(span, record, slack);
}

/** Whether two facts do not contradict each other: one of them may be unknown. */
function mayEqual(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined || one === other;
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some === others || (some.length === others.length && some.every((link, i) => link === others[i]));
}
