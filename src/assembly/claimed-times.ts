import type { HrTime } from '@opentelemetry/api';
import { isServerFact, type RecordFact, type ReportedFact, type SpanFact } from '../model/fact.ts';
import type { Facts } from '../model/received.ts';
import type { ServerFact } from '../model/server-fact.ts';
import { compareTimes } from './times.ts';

/** What of the times that something claims is believed, all in milliseconds. */
export interface BelievedTimes {
  /** When it came, since the Unix epoch. */
  readonly at: number;
  /** How long before it came something can have happened, and how long after: clocks of two machines differ. */
  readonly oldest: number;
  readonly ahead: number;
}

const MILLISECOND = 1_000_000n;

/**
 * Facts as they are taken: where one claims a time outside the window, the time of its receipt stands in, and the fact says so.
 * @returns with them, how many facts did
 */
export function withinWindow(
  facts: Facts,
  window: BelievedTimes,
): { readonly facts: Facts; readonly outside: number } {
  let outside = 0;
  const judged = <Fact>(fact: Fact, taken: Fact): Fact => {
    if (taken !== fact) outside += 1;
    return taken;
  };
  const spans = facts.spans.map((span) => judged(span, spanWithin(span, window)));
  const recordWithin = recordsWithin(window);
  const records = facts.records.map((record) => judged(record, recordWithin(record)));
  return { facts: outside > 0 ? { spans, records } : facts, outside };
}

/** What the sender gave as its time. */
export function claimedTime({ claimed, time }: Pick<RecordFact, 'claimed' | 'time'>): bigint {
  return claimed ?? time;
}

/** Whether it is known when something happened: else its time says nothing of what it belongs to. */
export function isTimed(fact: Pick<RecordFact, 'claimed'> | Pick<SpanFact, 'inferred'>): boolean {
  return 'inferred' in fact ? !fact.inferred.includes('time') : fact.claimed === undefined;
}

function spanWithin(span: SpanFact, window: BelievedTimes): SpanFact {
  const starts = isWithin(inMillis(span.start), window);
  const ends = isWithin(inMillis(span.end), window);
  if (starts && ends) return span;
  const at: HrTime = [Math.floor(window.at / 1e3), Math.floor(window.at % 1e3) * 1e6];
  // What is known of one end holds for the other.
  const start = starts ? span.start : ends ? earlier(at, span.end) : at;
  const end = ends ? span.end : starts ? later(at, span.start) : at;
  return { ...span, start, end, inferred: [...new Set([...span.inferred, 'time', 'duration'])] };
}

/** @returns what looks at one record, and at the numbers that all of them are compared with once */
function recordsWithin({ at, oldest, ahead }: BelievedTimes): (record: ReportedFact) => ReportedFact {
  const came = nanoseconds(Math.floor(at));
  // Whole milliseconds are what is compared.
  const first = nanoseconds(Math.ceil(at - oldest));
  const beyond = nanoseconds(Math.floor(at + ahead) + 1);
  const within = (time: bigint) => (time >= first && time < beyond ? time : came);
  return (record) => {
    const time = within(record.time);
    const times = isServerFact(record) ? spanTimes(record, within) : undefined;
    if (time === record.time && !times) return record;
    return { ...record, ...times, time, claimed: record.time } as ReportedFact;
  };
}

/** Of any number of milliseconds, since no fact has a time that is out of these bounds. */
function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.min(Math.max(milliseconds, 0), Number.MAX_SAFE_INTEGER)) * MILLISECOND;
}

/** @returns undefined where they are as they were */
function spanTimes(fact: ServerFact, within: (time: bigint) => bigint) {
  if (fact.kind === 'span_start') {
    const start = within(fact.start);
    return start === fact.start ? undefined : { start };
  }
  if (fact.kind !== 'span_end') return undefined;
  const [start, end] = [within(fact.start), within(fact.end)];
  return start === fact.start && end === fact.end ? undefined : { start, end };
}

/** Whole milliseconds, as of records. */
function inMillis(time: HrTime): number {
  return time[0] * 1e3 + Math.floor(time[1] / 1e6);
}

function isWithin(time: number, { at, oldest, ahead }: BelievedTimes): boolean {
  return time >= at - oldest && time <= at + ahead;
}

function earlier(one: HrTime, other: HrTime): HrTime {
  return compareTimes(one, other) < 0 ? one : other;
}

function later(one: HrTime, other: HrTime): HrTime {
  return compareTimes(one, other) > 0 ? one : other;
}
