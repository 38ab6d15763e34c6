import type { RecordFact, SpanFact } from '../model/fact.ts';
import type { GrowingRun } from '../model/growing-run.ts';
import type { Sent } from '../model/sent.ts';
import { copyOf, factCount, noFacts, type RunFacts, uuidsOf } from './facts.ts';
import {
  type HeardRun,
  hearRecord,
  type KeptRun,
  type OpenRun,
  type RunNames,
  takeSpan,
  withoutIds,
} from './open-run.ts';

/** The runs that are not over, by whatever may be known of them, the one that was heard of longest ago first. */
export class OpenRuns {
  readonly #byNews = new Set<OpenRun>();
  readonly #byId = new Map<string, OpenRun>();
  /** By their chain span's id. */
  readonly #byRoot = new Map<string, OpenRun>();
  readonly #byUuid = new Map<string, Set<OpenRun>>();
  readonly #uuids = new Map<OpenRun, Set<string>>();
  /** Those of which something came that does not say what the vCon was called. */
  readonly #nameless = new Set<OpenRun>();
  /** Those whose facts somebody else has in hand: they are copied before anything is added. */
  readonly #lent = new Set<OpenRun>();
  #facts = 0;

  get size(): number {
    return this.#byNews.size;
  }

  /** Spans and records of all of them. */
  get facts(): number {
    return this.#facts;
  }

  has(run: OpenRun): boolean {
    return this.#byNews.has(run);
  }

  /** The run of a chain span. */
  of(rootSpanId: string): OpenRun | undefined {
    return this.#byRoot.get(rootSpanId);
  }

  /** The run that is called by an id, rightly or not. */
  called(id: string): OpenRun | undefined {
    return this.#byId.get(id);
  }

  /** Runs in which a vCon is known to have had a uuid. */
  with(uuid: string | undefined): Iterable<OpenRun> {
    return (uuid !== undefined && this.#byUuid.get(uuid)) || [];
  }

  /** Runs in which a vCon may have had one of some uuids, for all that is known; those that surely had the first come last. */
  maybeWith(uuids: readonly string[]): ReadonlySet<OpenRun> {
    const runs = new Set(this.#nameless);
    for (const uuid of uuids.toReversed()) for (const run of this.with(uuid)) runs.add(run);
    return runs;
  }

  /** Whether something came of a run that does not say what the vCon was called. */
  isNameless(run: OpenRun): boolean {
    return this.#nameless.has(run);
  }

  /** What is known of a run at this moment, whatever is heard of it afterwards. */
  factsNow(run: OpenRun): RunFacts {
    this.#lent.add(run);
    return run.facts;
  }

  /** Uuids that the vCon is known to have had in a run. */
  uuidsOf(run: OpenRun): Iterable<string> {
    return this.#uuids.get(run) ?? [];
  }

  /** Whether no other run is known to have had one of its uuids. */
  isAlone(run: OpenRun): boolean {
    for (const uuid of this.uuidsOf(run)) if ((this.#byUuid.get(uuid)?.size ?? 0) > 1) return false;
    return true;
  }

  /** In the order in which they began. */
  sinceBegin(): Iterable<OpenRun> {
    return this.#byId.values();
  }

  [Symbol.iterator](): Iterator<OpenRun> {
    return this.#byNews.values();
  }

  /** A run begins. It is found from when something is heard of it. */
  begin(names: RunNames): OpenRun {
    const unheard = { facts: noFacts(), isGapped: false, isMisled: false };
    return { ...names, ...unheard, news: 0, emitted: undefined, partOf: undefined };
  }

  /** A span of a run has come. @returns spans that by this turn out not to be of it */
  hearSpan(run: OpenRun, span: SpanFact, root: string | undefined, now: number): readonly SpanFact[] {
    const strays = this.#takeSpan(run, span, root);
    this.heard(run, now, span);
    return strays;
  }

  /** A record of a run has come. What it says counts, but it is found by that only when it is {@link heard} of. */
  hearRecord(run: OpenRun, record: RecordFact, root: string | undefined): void {
    this.#change(run, hearRecord(run, record, root), [record.before, record.after]);
  }

  /** There is news of a run, which may be a new one. @param sent the newest of it, unless it is as before */
  heard(run: OpenRun, now: number, { sender }: Sent = run): void {
    writable(run).news = now;
    writable(run).sender = sender;
    if (!this.#byNews.delete(run)) this.#facts += factCount(run.facts);
    this.#byNews.add(run);
    this.#byId.set(run.id, run);
    if (run.rootSpanId !== undefined) this.#byRoot.set(run.rootSpanId, run);
  }

  /** A span that has been there for a while turns out to be of a run. */
  adopt(run: OpenRun, span: SpanFact): void {
    this.#takeSpan(run, span, undefined);
  }

  #takeSpan(run: OpenRun, span: SpanFact, root: string | undefined): readonly SpanFact[] {
    if (this.#lent.delete(run)) writable(run).facts = copyOf(run.facts);
    const before = factCount(run.facts);
    const strays = takeSpan(run, span, root);
    if (this.#byNews.has(run)) this.#facts += factCount(run.facts) - before;
    this.#named(run, span.vconUuid);
    return strays;
  }

  /** The ids on a run's records have turned out to be another's. */
  forgetIds(run: OpenRun): void {
    this.#forgetRoot(run);
    this.#change(run, withoutIds(run), []);
  }

  /** A run turns out to be several that are one. @param as what it is with all of them */
  unite(whole: OpenRun, as: HeardRun, parts: readonly OpenRun[]): void {
    let news = whole.news;
    for (const part of parts) {
      if (this.isNameless(part)) this.#nameless.add(whole);
      news = Math.max(news, part.news);
      this.remove(part);
      writable(part).partOf = whole;
    }
    this.#change(whole, as, uuidsOf(as.facts));
    this.heard(whole, news);
  }

  /** Something was emitted of a run for the first time. */
  emitted(run: OpenRun, emitted: GrowingRun): void {
    writable(run).emitted = emitted;
  }

  /** A run that was open before. */
  restore(kept: KeptRun, emitted: GrowingRun | undefined, now: number): OpenRun {
    const { uuids, isNameless, ...heard } = kept;
    const facts = copyOf(heard.facts);
    const run: OpenRun = { ...heard, facts, news: now, emitted, partOf: undefined };
    for (const uuid of uuids) this.#named(run, uuid);
    if (isNameless) this.#nameless.add(run);
    this.heard(run, now);
    return run;
  }

  /** Nobody listened while a run was under way. */
  gapped(run: OpenRun): void {
    writable(run).isGapped = true;
  }

  /** A run is over. */
  remove(run: OpenRun): void {
    if (this.#byNews.delete(run)) this.#facts -= factCount(run.facts);
    this.#byId.delete(run.id);
    this.#forgetRoot(run);
    for (const uuid of this.#uuids.get(run) ?? []) {
      const runs = this.#byUuid.get(uuid);
      runs?.delete(run);
      if (runs?.size === 0) this.#byUuid.delete(uuid);
    }
    this.#uuids.delete(run);
    this.#nameless.delete(run);
    this.#lent.delete(run);
  }

  #change(run: OpenRun, as: HeardRun, uuids: Iterable<string | undefined>): void {
    const { rootSpanId, chain, facts, isGapped, isMisled } = as;
    if (this.#byNews.has(run)) this.#facts += factCount(facts) - factCount(run.facts);
    Object.assign(writable(run), { rootSpanId, chain, facts, isGapped, isMisled });
    for (const uuid of uuids) this.#named(run, uuid);
  }

  #named(run: OpenRun, uuid: string | undefined): void {
    if (uuid === undefined) {
      this.#nameless.add(run);
      return;
    }
    let uuids = this.#uuids.get(run);
    if (!uuids) {
      uuids = new Set();
      this.#uuids.set(run, uuids);
    }
    if (uuids.has(uuid)) return;
    uuids.add(uuid);
    const runs = this.#byUuid.get(uuid);
    if (runs) runs.add(run);
    else this.#byUuid.set(uuid, new Set([run]));
  }

  #forgetRoot(run: OpenRun): void {
    const { rootSpanId } = run;
    if (rootSpanId !== undefined && this.#byRoot.get(rootSpanId) === run) this.#byRoot.delete(rootSpanId);
  }
}

/** Readonly is for everybody else. */
function writable(run: OpenRun): { -readonly [Key in keyof OpenRun]: OpenRun[Key] } {
  return run;
}
