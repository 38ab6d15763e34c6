import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { syncFolderSync } from '../../persistence/sync-path.ts';
import { KeyStore } from '../keys/key-store.ts';
import { MAX_POLICIES, MAX_RECORD, parseLine } from './record.ts';
import { retentionPeriod } from './retention-policy.ts';
import { listSegments, recordLines, SEGMENTS_FOLDER, type Segment } from './segments.ts';

/** The oldest records, as they are to be deleted. */
export interface Expiry {
  /** The first record that is kept. */
  readonly first: number;
  /** When the last one that goes was written. */
  readonly lastTime: number;
  /** What the records that go say of how long they are kept; where there are many, those that say the longest. */
  readonly policies: readonly string[];
  readonly segments: readonly Segment[];
}

/** What a closed segment says. */
interface Summary {
  readonly first: number;
  readonly last: number;
  readonly policies: readonly string[];
}

const DAY = 86_400_000;

/**
 * Which records have been kept for long enough: for as long as each of them says itself, and as the configuration says by now.
 * A clock may be wrong, so time counts only as the ledger has seen it pass: from one record to the next, and to now, a day
 * at most (a tenth of the retention, if that is less), and once that much more in the end. So a clock that jumps ahead deletes nothing.
 */
export class Retention {
  readonly #directory: string;
  readonly #period: number;
  readonly #ending: AbortSignal;
  readonly #summaries = new Map<string, Summary>();
  /** The time that the ledger saw pass in a segment, by its file, then by the longest step that counts. */
  readonly #seen = new Map<string, Map<number, number>>();
  #lookedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param period milliseconds for which records are kept at least
   * @param ending once it aborts, whatever is under way throws its reason: after the segment or the key in hand
   */
  constructor(directory: string, period: number, ending: AbortSignal) {
    this.#directory = directory;
    this.#period = period;
    this.#ending = ending;
  }

  /** What has been kept for long enough; undefined where nothing has. */
  async due(now: number): Promise<Expiry | undefined> {
    // Whoever has to wait for time to pass need not look every minute.
    if (Math.abs(now - this.#lookedAt) < RARELY) return undefined;
    return this.#oldest(async (segments, index) => {
      const segment = segments[index];
      if (!segment || !(lastTime(this.#directory, segment) < now - this.#period)) return false;
      this.#lookedAt = now;
      const { last, policies } = await this.#summary(segment);
      const period = Math.max(this.#period, ...policies.map(periodOf));
      if (!(last + period <= now)) return false;
      const step = Math.min(DAY, period / 10);
      return (await this.#passed(segments.slice(index), last, now, step)) >= period + step;
    });
  }

  /** What was written before a time, however long it is to be kept: somebody has ordered to delete it. */
  before(time: number): Promise<Expiry | undefined> {
    return this.#oldest(async (segments, index) => {
      const segment = segments[index];
      return segment !== undefined && lastTime(this.#directory, segment) < time;
    });
  }

  /**
   * Deletes records, and the keys of vCons that were not used since. Their tiles and checkpoints stay: they prove what the records
   * were, and that no others were deleted.
   */
  async delete({ segments, lastTime }: Expiry): Promise<void> {
    // First, so that where this ends early the records that are still there say what is left to do. A key is used a moment before
    // its record is written, which may be in the next segment.
    await new KeyStore(this.#directory).expire(lastTime - DAY, this.#ending);
    for (const { file } of segments) {
      rmSync(join(this.#directory, file), { force: true });
      this.#summaries.delete(file);
      this.#seen.delete(file);
    }
    syncFolderSync(join(this.#directory, SEGMENTS_FOLDER));
  }

  /** The oldest segments for which something holds; never the last one, which is being written. */
  async #oldest(
    holds: (segments: readonly Segment[], index: number) => Promise<boolean>,
  ): Promise<Expiry | undefined> {
    const segments = listSegments(this.#directory);
    let count = 0;
    while (count < segments.length - 1 && (await holds(segments, count))) count += 1;
    const gone = segments.slice(0, count);
    const last = gone.at(-1);
    const first = segments[count]?.first;
    if (!last || first === undefined) return undefined;
    const policies = new Set<string>();
    for (const segment of gone)
      for (const policy of (await this.#summary(segment)).policies) policies.add(policy);
    const longest = [...policies].sort((one, other) => (periodOf(one) < periodOf(other) ? 1 : -1));
    const { last: lastTime } = await this.#summary(last);
    return { first, lastTime, policies: longest.slice(0, MAX_POLICIES), segments: gone };
  }

  /** How much time the ledger saw pass since the last record of the first of some segments. */
  async #passed([, ...later]: readonly Segment[], since: number, now: number, step: number): Promise<number> {
    let [passed, before] = [0, since];
    for (const [index, segment] of later.entries()) {
      const isClosed = index < later.length - 1;
      const { first, last } = isClosed
        ? await this.#summary(segment)
        : endsOf(this.#directory, segment, before);
      passed += Math.min(first - before, step);
      const known = this.#seen.get(segment.file) ?? new Map<number, number>();
      const within = known.get(step) ?? seenWithin(this.#directory, segment, step);
      if (isClosed) this.#seen.set(segment.file, known.set(step, within));
      passed += within;
      before = last;
    }
    return passed + Math.min(Math.max(0, now - before), step);
  }

  async #summary(segment: Segment): Promise<Summary> {
    const known = this.#summaries.get(segment.file);
    if (known) return known;
    // A segment is large: whoever else has to do something does it first.
    await setImmediate();
    this.#ending.throwIfAborted();
    const policies = new Set<string>();
    let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const { text } of recordLines(this.#directory, segment)) {
      const line = text.toString();
      const [, time = ''] = TIME.exec(line) ?? [];
      const [, policy = '""'] = POLICY.exec(line) ?? [];
      first = Math.min(first, Date.parse(time));
      last = Math.max(last, Date.parse(time));
      // A command that has recorded something without a service knows no policy, and says so.
      if (policy !== '"none"' || line.includes('"run_id":"')) policies.add(JSON.parse(policy));
    }
    const summary = { first, last, policies: [...policies] };
    this.#summaries.set(segment.file, summary);
    return summary;
  }
}

/** Milliseconds between two looks at what has yet to grow old enough. */
const RARELY = 3_600_000;
const TIME = /"recorded_at":"([^"]*)"/;
const POLICY = /"retention_policy":("(?:[^"\\]|\\.)*")/;

/** What a label does not say, nobody may guess: under it, records are kept for ever. */
function periodOf(policy: string): number {
  return retentionPeriod(policy) ?? Number.POSITIVE_INFINITY;
}

function seenWithin(directory: string, segment: Segment, step: number): number {
  let [seen, before, text] = [0, Number.NaN, ''];
  for (const { text: line } of recordLines(directory, segment)) {
    const [, time = ''] = TIME.exec(line.toString()) ?? [];
    // Records that were written at once have one time.
    if (time === text) continue;
    const at = Date.parse(time);
    if (at > before) seen += Math.min(at - before, step);
    [before, text] = [at, time];
  }
  return seen;
}

/** When the first and the last record of the segment that is being written were; it may have none. */
function endsOf(directory: string, segment: Segment, before: number): { first: number; last: number } {
  for (const { text } of recordLines(directory, segment)) {
    const [, time = ''] = TIME.exec(text.toString()) ?? [];
    return { first: Date.parse(time), last: lastTime(directory, segment) };
  }
  return { first: before, last: before };
}

/** When the last record of a segment was written; NaN if it has none. */
function lastTime(directory: string, segment: Segment): number {
  const { size } = statSync(join(directory, segment.file));
  let time = Number.NaN;
  for (const { text } of recordLines(directory, segment, Math.max(0, size - 2 * MAX_RECORD))) {
    const parsed = parseLine(text.toString());
    if ('record' in parsed) time = Date.parse(parsed.record.recorded_at);
  }
  return time;
}
