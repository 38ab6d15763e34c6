import type { ForwardedRecord } from '../forwarded-record.ts';
import type { ClosedRun, ClosedRuns } from './closed-runs.ts';
import { OpenRun, SLACK, spanIdOf, traceIdOf } from './open-run.ts';
import type { OpenRuns } from './open-runs.ts';
import { type ChainSpan, toHrTime, toMillis } from './story.ts';
import type { Worker } from './workers.ts';

/** Where a record belongs. */
export type RecordPlace =
  | { readonly place: 'run' | 'repeated'; readonly run: OpenRun }
  | { readonly place: 'late' };

/**
 * Finds the run that a record belongs to. Its ids are a hint only: what counts is what cannot be otherwise – the links, the
 * uuid as it stands, the index that is next, the worker, the time (CONSERVER §6).
 */
export class RecordPlacement {
  readonly #open: OpenRuns;
  readonly #closed: ClosedRuns;
  readonly #chainWith: (links: readonly string[]) => string | undefined;

  /** @param chainWith the only chain that is configured with these links */
  constructor(
    open: OpenRuns,
    closed: ClosedRuns,
    chainWith: (links: readonly string[]) => string | undefined,
  ) {
    this.#open = open;
    this.#closed = closed;
    this.#chainWith = chainWith;
  }

  /** The run of a record; a new one if it has none yet. */
  place(record: ForwardedRecord, worker: Worker): RecordPlace {
    const root = this.#rootOf(record);
    const hinted = root === undefined ? undefined : this.#open.get(root);
    if (hinted?.records.get(record.index)?.seq === record.seq) return { place: 'repeated', run: hinted };
    if (hinted && this.#accepts(hinted, record, worker)) return { place: 'run', run: hinted };
    const twin = this.#twin(record, worker);
    if (twin) return { place: 'repeated', run: twin };
    const over = root === undefined ? undefined : this.#closed.get(root);
    const isNew = root !== undefined && !hinted && !over;
    const run =
      this.#among(worker.runs, record, worker, isNew ? root : undefined, joins) ??
      this.#among(this.#open.with(record.before), record, worker, isNew ? root : undefined, isInside);
    if (run) {
      if (isNew) run.rootSpanId ??= root;
      return { place: 'run', run };
    }
    return this.#isLate(record, over)
      ? { place: 'late' }
      : { place: 'run', run: this.#begin(record, isNew ? root : undefined) };
  }

  /** The run of a record that a process before this one had put into the run of this id. */
  placeAgain(record: ForwardedRecord, id: string): RecordPlace {
    const run = this.#open.named(id);
    if (run?.records.has(record.index)) return { place: 'repeated', run };
    if (run) return { place: 'run', run };
    const root = this.#rootOf(record);
    const isNew = root !== undefined && !this.#open.get(root) && !this.#closed.get(root);
    return { place: 'run', run: this.#begin(record, isNew ? root : undefined, id) };
  }

  /**
   * Records with other ids, or that came before the first of their run, make two runs of a worker out of one: they are one
   * if their records join on to each other, or were made inside the other's links.
   * @returns the run that has absorbed the others, which is the one that was told if one was, and these
   */
  unite(run: OpenRun, worker: Worker): { readonly whole: OpenRun; readonly parts: readonly OpenRun[] } {
    let whole = run;
    const parts: OpenRun[] = [];
    for (const other of worker.runs) {
      if (other === whole || parts.includes(other)) continue;
      const [host, part] = other.told ? [other, whole] : [whole, other];
      if (!this.#isPart(host, part, worker)) continue;
      host.absorb(part);
      parts.push(part);
      whole = host;
    }
    return { whole, parts };
  }

  #isPart(run: OpenRun, part: OpenRun, worker: Worker): boolean {
    if (part.told || (run.spans > 0 && part.spans > 0)) return false;
    const records = [...part.records.values()];
    const isCertain = records.length > 0 && records.every((record) => isInside(run, record));
    const mayJoin = () => this.#isRootless(run) || this.#isRootless(part);
    if (!isCertain && !(records.some((record) => joins(run, record)) && mayJoin())) return false;
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

  /** A chain span that is current itself is a failed run's: then none of the ids are this run's. */
  #rootOf(record: ForwardedRecord): string | undefined {
    return this.#isLie(record) ? undefined : record.rootSpanId;
  }

  #isLie({ spanId }: ForwardedRecord): boolean {
    return spanId !== undefined && (this.#open.get(spanId) ?? this.#closed.get(spanId)) !== undefined;
  }

  /** Whether a run's chain span is unknown; what its records said of it may have turned out to be wrong since. */
  #isRootless(run: OpenRun): boolean {
    if (run.spans === 0 && [...run.records.values()].some((record) => this.#isLie(record)))
      this.#open.doubt(run);
    return run.rootSpanId === undefined;
  }

  #accepts(run: OpenRun, record: ForwardedRecord, worker: Worker): boolean {
    const { index, before, seq, time } = record;
    if (run.records.has(index)) return false;
    if (run.spans > 0 && !mayEqual(run.chain, this.#chainOf(record))) return false;
    if (run.worker !== undefined && run.worker !== worker.key) return false;
    for (const known of run.records.values()) {
      if (!isSame(known.links, record.links)) return false;
      // A run's records are made one after the other.
      if (known.index < index !== known.seq < seq) return false;
      if (known.index < index !== known.time <= time) return false;
    }
    const previous = run.records.get(index - 1);
    const next = run.records.get(index + 1);
    if (!mayEqual(previous?.after, before) || !mayEqual(record.after, next?.before)) return false;
    if (index <= 0 && !mayEqual(run.chainSpan?.vconUuid, before)) return false;
    if (run.chainSpan && !isDuring(run.chainSpan, record)) return false;
    const span = run.links.get(Math.max(index, 0));
    return !span || (mayEqual(span.vconUuid, before) && run.holds(span, record));
  }

  /** Where two tracers of one server forward, both tell the same. */
  #twin({ tracer, index, before, after, links }: ForwardedRecord, worker: Worker): OpenRun | undefined {
    for (const run of worker.runs) {
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

  #begin(record: ForwardedRecord, root: string | undefined, id?: string): OpenRun {
    const { worker, seq, time, traceId } = record;
    const words = [worker.host, worker.pid, seq, time] as const;
    return new OpenRun({
      id: id ?? root ?? spanIdOf(...words),
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
function isInside(run: OpenRun, record: ForwardedRecord): boolean {
  const span = run.links.get(Math.max(record.index, 0));
  return span !== undefined && run.holds(span, record);
}

/** Whether two facts do not contradict each other: one of them may be unknown. */
function mayEqual(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined || one === other;
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some === others || (some.length === others.length && some.every((link, i) => link === others[i]));
}
