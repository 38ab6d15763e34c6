import type { HrTime } from '@opentelemetry/api';
import type { ChainOutcome, LinkOutcome, StorageOutcome } from '../../model/event.ts';
import type { ForwardedRecord } from '../forwarded-record.ts';
import type { ReceivedSpan } from '../received-span.ts';

export type ChainSpan = Extract<ReceivedSpan, { stage: 'chain' }>;
export type LinkSpan = Extract<ReceivedSpan, { stage: 'link' }>;
export type StorageSpan = Extract<ReceivedSpan, { stage: 'storage' }>;

/** What the server's configuration says of a chain. */
export interface ChainPlan {
  readonly links?: readonly string[] | undefined;
  readonly storages?: readonly string[] | undefined;
  /** Milliseconds after which a run of this chain that is not heard of any more is given up. */
  readonly timeout?: number | undefined;
}

/** What has been heard of a run. */
export interface RunFacts {
  readonly chainSpan: ChainSpan | undefined;
  /** By index. */
  readonly links: ReadonlyMap<number, LinkSpan>;
  readonly storages: readonly StorageSpan[];
  /** By index, -1 being before the first link. */
  readonly records: ReadonlyMap<number, ForwardedRecord>;
}

/** A step as it is to be told; `inferred` are the names of facts that nobody has seen. */
export interface Step {
  readonly name: string;
  readonly start: HrTime;
  readonly end: HrTime;
  readonly inVconUuid: string;
  readonly outVconUuid: string;
  readonly errorType: string | undefined;
  readonly inferred: readonly string[];
}

export interface LinkStep extends Step {
  readonly index: number;
  readonly outcome: LinkOutcome;
  /** Neither a span nor a record of it came. */
  readonly isMissing: boolean;
}

export interface StorageStep extends Step {
  readonly outcome: StorageOutcome;
  readonly span: StorageSpan;
}

/** How the chain ended. */
export interface Ending {
  readonly outcome: ChainOutcome;
  readonly errorType: string | undefined;
  readonly outVconUuid: string;
  readonly start: HrTime;
  readonly end: HrTime;
  readonly inferred: readonly string[];
}

/** The highest index of a link that is known to have run (records of -1 tell of none); -1 where there is none. */
export function lastLink({ links, records }: RunFacts): number {
  let last = -1;
  for (const index of links.keys()) if (index > last) last = index;
  for (const index of records.keys()) if (index > last) last = index;
  return last;
}

/** The chain's configured links, and whether they had to be concluded from those that ran. */
export function linksOf(
  facts: RunFacts,
  plan: ChainPlan | undefined,
): { links: readonly string[]; inferred: boolean } {
  for (const { links } of facts.records.values()) return { links, inferred: false };
  const known = facts.chainSpan?.links ?? plan?.links;
  if (known) return { links: known, inferred: false };
  // A chain that went well and ran no link has none.
  if (facts.links.size === 0 && facts.chainSpan && !facts.chainSpan.failed)
    return { links: [], inferred: false };
  const seen = [...facts.links].sort(([a], [b]) => a - b).map(([, { name }]) => name);
  return { links: seen, inferred: true };
}

/** The uuid that entered the chain, and whether it had to be concluded from what happened later. */
export function enteringUuid({
  chainSpan,
  links,
  records,
  storages,
}: RunFacts): { readonly uuid: string; readonly inferred: boolean } | undefined {
  const first = records.get(-1) ?? records.get(0);
  const seen = first?.before ?? chainSpan?.vconUuid ?? links.get(0)?.vconUuid;
  if (seen !== undefined) return { uuid: seen, inferred: false };
  const later = [
    ...[...records].sort(([a], [b]) => a - b).flatMap(([, { before, after }]) => [before, after]),
    ...[...links].sort(([a], [b]) => a - b).map(([, { vconUuid }]) => vconUuid),
    ...storages.map(({ vconUuid }) => vconUuid),
  ];
  const uuid = later.find((known) => known !== undefined);
  return uuid === undefined ? undefined : { uuid, inferred: true };
}

/**
 * What is to be told of a link.
 * @param before the uuid as the steps before have left it
 * @param halted whether this link halted the chain, as far as that can be known
 */
export function linkStep(
  facts: RunFacts,
  index: number,
  links: readonly string[],
  before: string,
  halted: Halt,
): LinkStep {
  const span = facts.links.get(index);
  const record = facts.records.get(index);
  const inferred: string[] = [];
  const inVconUuid = record?.before ?? span?.vconUuid ?? before;
  // Where a tracer failed after the link did not, the tracers had heard of the link by then.
  const failed = span?.failed === true && !record;
  const { start, end } = timesOf(facts, index);
  if (!span) inferred.push('time', 'duration');
  let outVconUuid = inVconUuid;
  if (!failed && !halted.isHalted) {
    const known = record ? record.after : span?.outVconUuid;
    outVconUuid = known ?? (record ? undefined : uuidAfter(facts, index)) ?? inVconUuid;
    if (known === undefined) inferred.push('out_vcon_uuid');
  }
  const isSaid = span !== undefined && (failed || span.outcome !== undefined);
  const isFollowed = lastLink(facts) > index || facts.storages.length > 0;
  if (!isSaid && !isFollowed) inferred.push('outcome');
  const isMissing = !span && !record;
  if (isMissing) inferred.push('step');
  return {
    index,
    name: span?.name ?? links[index] ?? `link ${index}`,
    start,
    end,
    inVconUuid,
    outVconUuid,
    outcome: failed ? 'error' : halted.isHalted ? 'halt' : 'success',
    errorType: failed ? (span.errorType ?? '_OTHER') : undefined,
    inferred,
    isMissing,
  };
}

/** The uuid that the step after a link began with. */
function uuidAfter(facts: RunFacts, index: number): string | undefined {
  const next = facts.records.get(index + 1)?.before ?? facts.links.get(index + 1)?.vconUuid;
  if (next !== undefined || lastLink(facts) > index) return next;
  return facts.storages.find(({ vconUuid }) => vconUuid !== undefined)?.vconUuid;
}

/** When a link began and ended: as its span says, else between the calls of tracers around it. */
function timesOf(facts: RunFacts, index: number): { start: HrTime; end: HrTime } {
  const span = facts.links.get(index);
  if (span) return { start: span.start, end: span.end };
  const end = endOf(facts, index) ?? startOf(facts, index + 1);
  const start = endOf(facts, index - 1) ?? end ?? facts.chainSpan?.start ?? [0, 0];
  return { start, end: end ?? start };
}

function endOf({ links, records }: RunFacts, index: number): HrTime | undefined {
  const record = records.get(index);
  return links.get(index)?.end ?? (record && toHrTime(record.time));
}

function startOf({ links, records }: RunFacts, index: number): HrTime | undefined {
  const record = records.get(index);
  return links.get(index)?.start ?? (record && toHrTime(record.time));
}

/** What is to be told of the storages, in no particular order. */
export function storageSteps({ storages }: RunFacts, uuid: string): StorageStep[] {
  return storages.map((span) => ({
    name: span.name,
    start: span.start,
    end: span.end,
    inVconUuid: span.vconUuid ?? uuid,
    outVconUuid: span.vconUuid ?? uuid,
    outcome: span.failed ? 'error' : 'success',
    errorType: span.failed ? (span.errorType ?? '_OTHER') : undefined,
    inferred: [],
    span,
  }));
}

/** Whether a link halted the chain, and whether that was said or concluded. */
export interface Halt {
  readonly isHalted: boolean;
  readonly inferred: boolean;
}

export const NOT_HALTED: Halt = { isHalted: false, inferred: false };

/**
 * Whether the last link that ran halted the chain. The Python server leaves no mark of it (CONSERVER §6): it is concluded
 * from links that did not run, or configured storages that were not written, without any failure.
 */
export function haltOf(facts: RunFacts, links: readonly string[], plan: ChainPlan | undefined): Halt {
  const { chainSpan, storages } = facts;
  const last = lastLink(facts);
  if (last === -1 || !chainSpan || failedLink(facts) || chainSpan.failed) return NOT_HALTED;
  const said = facts.links.get(last)?.outcome ?? chainSpan.outcome;
  if (said !== undefined) return { isHalted: said === 'halt' || said === 'halted', inferred: false };
  if (storages.length > 0) return NOT_HALTED;
  const isHalted = last < links.length - 1 || (plan?.storages?.length ?? 0) > 0;
  return { isHalted, inferred: true };
}

/** The link whose span failed, if one did. */
export function failedLink({ links }: RunFacts): LinkSpan | undefined {
  for (const span of links.values()) if (span.failed) return span;
  return undefined;
}

/** @param uuid the uuid as the last link has left it; @param isTruncated no end of the run was heard */
export function endingOf(facts: RunFacts, uuid: string, halt: Halt, isTruncated: boolean): Ending {
  const { chainSpan, records } = facts;
  const failed = failedLink(facts);
  const inferred: string[] = [];
  const start = chainSpan?.start ?? firstTime(facts);
  // What the Python server leaves of a chain that failed is ended whenever it is found in its memory.
  const isEndKnown = chainSpan !== undefined && (!chainSpan.failed || chainSpan.outcome === 'error');
  const end = (isEndKnown ? chainSpan.end : (failed?.end ?? latestEnd(facts) ?? chainSpan?.end)) ?? start;
  if (!isEndKnown) inferred.push('time', 'duration');
  if (failed || chainSpan?.failed || isTruncated) {
    if (!chainSpan && !failed) inferred.push('outcome');
    const errorType =
      failed?.errorType ?? chainSpan?.errorType ?? (chainSpan || failed ? '_OTHER' : 'truncated');
    return { outcome: 'error', errorType, outVconUuid: uuid, start, end, inferred };
  }
  if (!chainSpan || halt.inferred) inferred.push('outcome');
  const last = lastLink(facts);
  if (last >= 0 && records.get(last)?.after === undefined && chainSpan?.outVconUuid === undefined)
    inferred.push('out_vcon_uuid');
  const outVconUuid = chainSpan?.outVconUuid ?? uuid;
  return {
    outcome: halt.isHalted ? 'halted' : 'complete',
    errorType: undefined,
    outVconUuid,
    start,
    end,
    inferred,
  };
}

/** When the earliest that is known of a run happened, its chain span apart. */
export function firstTime({ links, storages, records }: RunFacts): HrTime {
  const times = [...links.values(), ...storages].map(({ start }) => start);
  for (const { time } of records.values()) times.push(toHrTime(time));
  return times.sort(compareTimes)[0] ?? [0, 0];
}

function latestEnd({ links, storages, records }: RunFacts): HrTime | undefined {
  const ends = [...links.values(), ...storages].map(({ end }) => end);
  for (const { time } of records.values()) ends.push(toHrTime(time));
  return ends.sort(compareTimes).at(-1);
}

/** Orders times, the earlier one first. */
export function compareTimes([s1, n1]: HrTime, [s2, n2]: HrTime): number {
  return s1 - s2 || n1 - n2;
}

/** @param time nanoseconds since the Unix epoch */
export function toHrTime(time: bigint): HrTime {
  return [Number(time / 1_000_000_000n), Number(time % 1_000_000_000n)];
}

/** Milliseconds since the Unix epoch. */
export function toMillis([seconds, nanoseconds]: HrTime): number {
  return seconds * 1e3 + nanoseconds / 1e6;
}
