import { createHash } from 'node:crypto';
import type { ForwardedRecord } from '../forwarded-record.ts';
import type { ReceivedSpan } from '../received-span.ts';
import {
  type ChainSpan,
  compareTimes,
  failedLink,
  type LinkSpan,
  lastLink,
  type RunFacts,
  type StorageSpan,
  toHrTime,
  toMillis,
} from './story.ts';
import type { Told } from './teller.ts';

/** Milliseconds by which two clocks of one machine may seem to differ. */
export const SLACK = 5;
/** Links and storages of one run, beyond which something else is sent to us. */
const MAX_LINKS = 1_000;
const MAX_STORAGES = 1_000;

/** How a run is called, and where it comes from. */
export interface RunName {
  /** What its events are called by, once and for all. */
  readonly id: string;
  /** The chain span's id, as far as it is known. */
  readonly rootSpanId: string | undefined;
  readonly traceId: string;
  /** As the first span or record says. */
  readonly chain: string | undefined;
}

/** What has been heard of a run that is not over, and what has been told of it. */
export class OpenRun implements RunFacts {
  readonly id: string;
  rootSpanId: string | undefined;
  readonly traceId: string;
  /** The ids on its records have turned out to be another run's, and so may be its chain. */
  isDoubted = false;
  #chain: string | undefined;
  chainSpan: ChainSpan | undefined;
  readonly links = new Map<number, LinkSpan>();
  readonly storages: StorageSpan[] = [];
  readonly records = new Map<number, ForwardedRecord>();
  /** What is kept of it in the inbox. */
  readonly entries: number[] = [];
  /** When something was last heard of it, on the clock of `performance.now()`. */
  news = 0;
  told: Told | undefined;

  constructor({ id, rootSpanId, traceId, chain }: RunName) {
    this.id = id;
    this.rootSpanId = rootSpanId;
    this.traceId = traceId;
    this.#chain = chain;
  }

  /** Absent as long as nothing says it. */
  get chain(): string | undefined {
    return this.isDoubted && this.spans === 0 ? undefined : this.#chain;
  }

  get spans(): number {
    return this.links.size + this.storages.length + (this.chainSpan ? 1 : 0);
  }

  /** Whether every link up to the last one is known by a span or a record. */
  get isGapless(): boolean {
    for (let index = lastLink(this); index >= 0; index -= 1)
      if (!this.links.has(index) && !this.records.has(index)) return false;
    return true;
  }

  /** What its records say of their span is not true. */
  doubt(): void {
    this.isDoubted = true;
    this.rootSpanId = undefined;
  }

  /** All of its spans. */
  *allSpans(): Iterable<ReceivedSpan> {
    if (this.chainSpan) yield this.chainSpan;
    yield* this.links.values();
    yield* this.storages;
  }

  /** What was taken for another run is part of this one. */
  absorb(part: OpenRun): void {
    this.rootSpanId ??= part.rootSpanId;
    for (const span of part.allSpans()) this.add(span);
    for (const [index, record] of part.records) this.records.set(index, record);
    this.entries.push(...part.entries);
  }

  /** The uuids that the vCon is known to have had in this run. */
  *uuids(): Iterable<string> {
    for (const { before, after } of this.records.values()) {
      if (before !== undefined) yield before;
      if (after !== undefined) yield after;
    }
    for (const { vconUuid } of this.allSpans()) if (vconUuid !== undefined) yield vconUuid;
  }

  /** The worker that its records come from; undefined without any. */
  get worker(): string | undefined {
    for (const record of this.records.values()) return workerKey(record);
    return undefined;
  }

  /** Whether a span that says it belongs here can be of this run. */
  fit(span: ReceivedSpan): 'fits' | 'repeated' | 'foreign' {
    if (this.chain !== undefined && span.chain !== this.chain) return 'foreign';
    if (span.stage === 'chain') {
      if (this.chainSpan) return this.chainSpan.spanId === span.spanId ? 'repeated' : 'foreign';
      const entered = this.records.get(-1)?.before;
      return entered !== undefined && span.vconUuid !== undefined && entered !== span.vconUuid
        ? 'foreign'
        : 'fits';
    }
    if (span.stage === 'storage') {
      if (this.storages.some(({ spanId }) => spanId === span.spanId)) return 'repeated';
      return this.storages.length < MAX_STORAGES && this.#isInTime(span) ? 'fits' : 'foreign';
    }
    if (this.indexOf(span) >= MAX_LINKS) return 'foreign';
    const there = this.links.get(this.indexOf(span));
    if (there) return there.spanId === span.spanId ? 'repeated' : 'foreign';
    return this.#isInTime(span) && this.#agreesWithRecord(span) ? 'fits' : 'foreign';
  }

  /** @returns spans that turn out not to be of this run */
  add(span: ReceivedSpan): ReceivedSpan[] {
    if (this.spans === 0) this.#chain = span.chain;
    if (span.stage === 'chain') this.chainSpan = span;
    else if (span.stage === 'storage') this.storages.push(span);
    else this.links.set(this.indexOf(span), span);
    return span.failed && span.stage === 'link' ? this.#after(span) : [];
  }

  /** The place of a link: what its span says, else the first that is free. */
  indexOf(span: LinkSpan): number {
    if (span.index !== undefined) return span.index;
    for (const [index, { spanId }] of this.links) if (spanId === span.spanId) return index;
    let index = 0;
    while (this.links.has(index)) index += 1;
    return index;
  }

  /** Whether a record was made while a link's span was open. */
  holds(span: LinkSpan, { index, time, links }: ForwardedRecord, slack = SLACK): boolean {
    const at = toMillis(toHrTime(time));
    return (
      Math.max(index, 0) === this.indexOf(span) &&
      links[this.indexOf(span)] === span.name &&
      at >= toMillis(span.start) - slack &&
      at <= toMillis(span.end) + slack
    );
  }

  /** A run ends with a link that fails, and a chain that succeeded is longer than everything in it. */
  #isInTime(span: LinkSpan | StorageSpan): boolean {
    const failed = failedLink(this);
    if (failed && compareTimes(span.start, failed.end) >= 0) return false;
    const { chainSpan } = this;
    if (!chainSpan) return true;
    const start = toMillis(span.start);
    if (start < toMillis(chainSpan.start) - SLACK) return false;
    return chainSpan.failed || start <= toMillis(chainSpan.end) + SLACK;
  }

  #agreesWithRecord(span: LinkSpan): boolean {
    const index = this.indexOf(span);
    const record = this.records.get(index) ?? (index === 0 ? this.records.get(-1) : undefined);
    // Where the ids agree, a clock that was set meanwhile is no reason to doubt them.
    return !record || record.spanId === span.spanId || this.holds(span, record);
  }

  #after({ end, spanId }: LinkSpan): ReceivedSpan[] {
    const strays: ReceivedSpan[] = this.storages.splice(0);
    for (const [index, link] of this.links) {
      if (link.spanId === spanId || compareTimes(link.start, end) < 0) continue;
      this.links.delete(index);
      strays.push(link);
    }
    return strays;
  }
}

/** Which process a record comes from. */
export function workerKey({ worker: { host, pid } }: ForwardedRecord): string {
  return `${host} ${pid}`;
}

/** A span id that is always the same for the same words: for what was recorded without one. */
export function spanIdOf(...words: readonly (string | number | bigint)[]): string {
  return digest(words).slice(0, 16);
}

/** As {@link spanIdOf}, for a trace. */
export function traceIdOf(...words: readonly (string | number | bigint)[]): string {
  return digest(words).slice(16, 48);
}

function digest(words: readonly (string | number | bigint)[]): string {
  return createHash('sha256').update(words.join(' ')).digest('hex');
}
