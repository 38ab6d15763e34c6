import type { HrTime } from '@opentelemetry/api';
import type { RecordFact, SpanFact } from '../model/fact.ts';
import { isTimed } from './claimed-times.ts';
import { compareTimes, toHrTime } from './times.ts';

export type ChainSpan = Extract<SpanFact, { stage: 'chain' }>;
export type LinkSpan = Extract<SpanFact, { stage: 'link' }>;
export type StorageSpan = Extract<SpanFact, { stage: 'storage' }>;

/** What has been heard of one run. Only its owner adds to it; for everybody else, what is heard more makes another one of it. */
export interface RunFacts {
  readonly chainSpan: ChainSpan | undefined;
  /** By index. */
  readonly links: ReadonlyMap<number, LinkSpan>;
  readonly storages: readonly StorageSpan[];
  /** By index, -1 being before the first link. */
  readonly records: ReadonlyMap<number, RecordFact>;
}

/** What its owner knows of a run, and adds to. */
interface GrowingFacts extends RunFacts {
  chainSpan: ChainSpan | undefined;
  readonly links: Map<number, LinkSpan>;
  storages: StorageSpan[];
}

const NO_RECORDS: RunFacts['records'] = new Map();
const NO_STRAYS: readonly SpanFact[] = [];

/** Nothing yet. */
export function noFacts(): RunFacts {
  const facts: GrowingFacts = { chainSpan: undefined, links: new Map(), storages: [], records: NO_RECORDS };
  return facts;
}

/** The same, to be added to. */
export function copyOf({ chainSpan, links, storages, records }: RunFacts): RunFacts {
  const facts: GrowingFacts = { chainSpan, links: new Map(links), storages: [...storages], records };
  return facts;
}

/**
 * Adds a span to what its owner knows of a run: made by {@link noFacts} or {@link copyOf}, or read.
 * @returns spans that by this turn out not to be of it
 */
export function addSpan(facts: RunFacts, span: SpanFact): readonly SpanFact[] {
  const own = facts as GrowingFacts;
  if (span.stage === 'chain') own.chainSpan = span;
  else if (span.stage === 'storage') own.storages.push(span);
  else {
    own.links.set(linkIndex(facts, span), span);
    if (span.failed) return removeSpansAfter(own, span);
  }
  return NO_STRAYS;
}

/** A run of which one more record was heard. */
export function withRecord(facts: RunFacts, record: RecordFact): RunFacts {
  return { ...facts, records: new Map(facts.records).set(record.index, record) };
}

/** A run of which all was heard that was taken for another's. */
export function withFacts(facts: RunFacts, others: RunFacts): RunFacts {
  const all = { ...copyOf(facts), records: new Map([...facts.records, ...others.records]) };
  for (const span of spansOf(others)) addSpan(all, span);
  return all;
}

/** A run ends with a link that fails. */
function removeSpansAfter(facts: GrowingFacts, failed: LinkSpan): readonly SpanFact[] {
  const isAfter = (link: LinkSpan) =>
    link.spanId !== failed.spanId &&
    isTimed(link) &&
    isTimed(failed) &&
    compareTimes(link.start, failed.end) >= 0;
  const after = [...facts.links].filter(([, link]) => isAfter(link));
  const strays: SpanFact[] = [...facts.storages, ...after.map(([, link]) => link)];
  for (const [index] of after) facts.links.delete(index);
  facts.storages = [];
  return strays;
}

/** All spans. */
export function spansOf({ chainSpan, links, storages }: RunFacts): readonly SpanFact[] {
  const spans: SpanFact[] = chainSpan ? [chainSpan] : [];
  for (const link of links.values()) spans.push(link);
  for (const storage of storages) spans.push(storage);
  return spans;
}

/** How many spans there are. */
export function spanCount({ chainSpan, links, storages }: RunFacts): number {
  return links.size + storages.length + (chainSpan ? 1 : 0);
}

/** How many spans and records there are. */
export function factCount(facts: RunFacts): number {
  return spanCount(facts) + facts.records.size;
}

/** The uuids that the vCon is known to have had in this run, each once. */
export function uuidsOf({ records, chainSpan, links, storages }: RunFacts): ReadonlySet<string> {
  const uuids = new Set<string>();
  const add = (uuid: string | undefined) => uuid !== undefined && uuids.add(uuid);
  for (const { before, after } of records.values()) {
    add(before);
    add(after);
  }
  add(chainSpan?.vconUuid);
  for (const { vconUuid } of links.values()) add(vconUuid);
  for (const { vconUuid } of storages) add(vconUuid);
  return uuids;
}

/** The process of the conserver that the records come from; undefined without any. */
export function workerOf({ records }: RunFacts): string | undefined {
  for (const record of records.values()) return workerKey(record);
  return undefined;
}

/** How a process of the conserver is called. */
export function workerKey({ worker: { host, pid } }: Pick<RecordFact, 'worker'>): string {
  return `${host} ${pid}`;
}

/** The place of a link among those of its run: what its span says, else the first that is free. */
export function linkIndex({ links }: RunFacts, span: LinkSpan): number {
  if (span.index !== undefined) return span.index;
  for (const [index, { spanId }] of links) if (spanId === span.spanId) return index;
  let index = 0;
  while (links.has(index)) index += 1;
  return index;
}

/** The highest index of a link that is known to have run (a record of -1 is about none); -1 where there is none. */
export function lastLink({ links, records }: RunFacts): number {
  let last = -1;
  for (const index of links.keys()) if (index > last) last = index;
  for (const index of records.keys()) if (index > last) last = index;
  return last;
}

/** The link whose span failed, if one did. */
export function failedLink({ links }: RunFacts): LinkSpan | undefined {
  for (const span of links.values()) if (span.failed) return span;
  return undefined;
}

/** Whether every link up to the last one is known by a span or a record. */
export function isGapless(facts: RunFacts): boolean {
  for (let index = lastLink(facts); index >= 0; index -= 1)
    if (!facts.links.has(index) && !facts.records.has(index)) return false;
  return true;
}

/** A fact about a run, and whether it had to be concluded from others. */
export interface Known<Value> {
  readonly value: Value;
  readonly inferred: boolean;
}

/** The uuid that entered the chain; undefined where nothing came that names one. */
export function enteringUuid({ chainSpan, links, records, storages }: RunFacts): Known<string> | undefined {
  const first = records.get(-1) ?? records.get(0);
  const seen = first?.before ?? chainSpan?.vconUuid ?? links.get(0)?.vconUuid;
  if (seen !== undefined) return { value: seen, inferred: false };
  const later = [
    ...inOrder(records).flatMap(({ before, after }) => [before, after]),
    ...inOrder(links).map(({ vconUuid }) => vconUuid),
    ...storages.map(({ vconUuid }) => vconUuid),
  ];
  const uuid = later.find((known) => known !== undefined);
  return uuid === undefined ? undefined : { value: uuid, inferred: true };
}

/**
 * The chain's configured links.
 * @param configured what the server's configuration says of them
 */
export function linksOf(
  facts: RunFacts,
  configured: readonly string[] | undefined,
): Known<readonly string[]> {
  for (const { links } of facts.records.values()) return { value: links, inferred: false };
  const known = facts.chainSpan?.links ?? configured;
  if (known) return { value: known, inferred: false };
  return { value: inOrder(facts.links).map(({ name }) => name), inferred: true };
}

/** When the earliest that is known of a run happened, its chain span apart. */
export function firstTime({ links, storages, records }: RunFacts): HrTime {
  const times = [...links.values(), ...storages].map(({ start }) => start);
  for (const { time } of records.values()) times.push(toHrTime(time));
  return times.sort(compareTimes)[0] ?? [0, 0];
}

/** When the latest did. */
export function lastTime({ links, storages, records }: RunFacts): HrTime | undefined {
  const times = [...links.values(), ...storages].map(({ end }) => end);
  for (const { time } of records.values()) times.push(toHrTime(time));
  return times.sort(compareTimes).at(-1);
}

function inOrder<Fact>(byIndex: ReadonlyMap<number, Fact>): Fact[] {
  return [...byIndex].sort(([a], [b]) => a - b).map(([, fact]) => fact);
}
