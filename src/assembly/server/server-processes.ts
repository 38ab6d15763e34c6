import type { RecordFact } from '../../model/fact.ts';
import type { ServerFact, ServerProcess } from '../../model/server-fact.ts';
import { workerKey } from '../facts.ts';
import { FactOrder } from './fact-order.ts';
import type { ServerRun } from './server-run.ts';
import { type Certain, type KeptServerRuns, ServerRuns } from './server-runs.ts';

/** A process inside the server that tells facts. */
interface Process extends ServerProcess {
  /** What it has in common with the one that takes its place; absent where it was not heard to attach. */
  name: string | undefined;
  /** Whether it tells when runs begin and end. Older servers have no hook for it: then only its calls say something. */
  hasRuns: boolean;
  /** Calls so far. */
  calls: number;
  order: FactOrder;
  readonly runs: ServerRuns;
  /** When it was last heard, and since when facts wait for one before them; on the clock's `elapsed`. */
  heard: number;
  waitingSince: number | undefined;
  /** Another adapter may have heard what comes next. */
  isTakenOver: boolean;
}

/** A process, as it is written down. */
export interface KeptProcess extends ServerProcess {
  readonly name: string | undefined;
  readonly hasRuns: boolean;
  readonly calls: number;
  readonly next: number;
  readonly waiting: readonly ServerFact[];
  readonly isTakenOver?: boolean;
  readonly runs: KeptServerRuns;
}

/** What came of facts of a process. */
export interface ServerOutcome {
  certain: Certain[];
  /** Calls that say all that is heard of their run, as records. */
  records: RecordFact[];
  /** Facts that belong to no run that is known, and of runs that began at another adapter. */
  unplaced: number;
  elsewhere: number;
}

/** Processes that are remembered. */
const MAX_PROCESSES = 10_000;

/** The processes inside the server, by their facts. */
export class ServerProcesses {
  readonly #byKey = new Map<string, Process>();
  /** Those that have runs open: a few of very many that are remembered. */
  readonly #busy = new Set<Process>();
  #isTakenOver = false;
  #lastHeard = Number.NEGATIVE_INFINITY;

  /** Runs that are not over. */
  get runs(): number {
    let runs = 0;
    for (const process of this.#busy) runs += process.runs.size;
    return runs;
  }

  /** Those that are not over, and of chains that somebody waits for. */
  awaited(isAwaited: (chain: string) => boolean): readonly ServerRun[] {
    return [...this.#busy].flatMap(({ runs }) => [...runs.open.awaited(isAwaited)]);
  }

  /** Facts of runs that are not over. */
  get facts(): number {
    let facts = 0;
    for (const { runs } of this.#busy) facts += runs.facts;
    return facts;
  }

  /** Whether another adapter has heard processes before. */
  get isTakenOver(): boolean {
    return this.#isTakenOver;
  }

  /** Whether anybody has told facts since a time (on the clock's `elapsed`). */
  isHeardSince(time: number): boolean {
    return this.#lastHeard >= time;
  }

  /** Takes a fact. @returns undefined where it has come before */
  take(fact: ServerFact, now: number): ServerOutcome | undefined {
    const process = this.#processOf(fact, now);
    if (process.isTakenOver && fact.seq >= process.order.next) this.#goOnAt(fact, process);
    const facts = process.order.take(fact);
    if (!facts) return undefined;
    process.heard = now;
    this.#lastHeard = now;
    const out = this.#takeAll(process, facts);
    process.waitingSince = process.order.isWaiting ? (process.waitingSince ?? now) : undefined;
    return out;
  }

  /**
   * Another adapter has heard all processes up to now. What a process told until it is heard again is not waited for, and of
   * runs that began by then nothing is said but what was said before.
   */
  takeOver(): void {
    this.#isTakenOver = true;
    for (const process of this.#byKey.values()) process.isTakenOver = true;
  }

  /** What a process has numbered and not sent is not waited for any longer. @returns how many, and what comes of the rest */
  miss(key: string): ServerOutcome & { readonly missing: number } {
    const process = this.#byKey.get(key);
    const { missing, facts } = process?.order.skip() ?? { missing: 0, facts: [] };
    const [first] = facts;
    if (!process || !first) return { ...nothing(), missing: 0 };
    process.runs.miss(first);
    process.waitingSince = process.order.isWaiting ? process.heard : undefined;
    return { ...this.#takeAll(process, facts), missing };
  }

  /** The process of a fact that waits for those before it. */
  waitingWith(fact: ServerFact): string | undefined {
    const key = keyOf(fact);
    const order = this.#byKey.get(key)?.order;
    return order?.isWaiting && order.next <= fact.seq ? key : undefined;
  }

  /** A process is gone, and with it what it had open. @param at when that was found out, milliseconds since the Unix epoch */
  lose(key: string, at: number): Certain[] {
    const process = this.#byKey.get(key);
    // One that has nothing open is not needed any more; else it may turn out to live.
    if (process && process.runs.size > 0) {
      this.#busy.delete(process);
      return process.runs.lose(at, process.order.next);
    }
    this.#byKey.delete(key);
    return [];
  }

  /** The process of the run that began first of all. */
  get eldest(): string | undefined {
    let eldest: Process | undefined;
    for (const process of this.#busy)
      if (!eldest || process.runs.open.began < eldest.runs.open.began) eldest = process;
    return eldest && keyOf(eldest);
  }

  /** There is no room for the run of a process that began first. @param at milliseconds since the Unix epoch */
  evict(key: string, at: number): Certain[] {
    const process = this.#byKey.get(key);
    const lost = process?.runs.evict(at) ?? [];
    if (process) this.#noteRuns(process);
    return lost;
  }

  /** The run that is open of a fact. */
  runOf(fact: ServerFact): ServerRun | undefined {
    return this.#byKey.get(keyOf(fact))?.runs.runOf(fact);
  }

  /** Who told of a fact, as the worker of records: where a process tells of calls alone. */
  workerOf(fact: ServerFact): string | undefined {
    const process = this.#byKey.get(keyOf(fact));
    return process?.hasRuns === false ? workerKey({ worker: asWorker(process) }) : undefined;
  }

  /** Whether an open run has this chain span. */
  hasChainSpan(spanId: string): boolean {
    for (const { runs } of this.#busy) if (runs.open.hasChainSpan(spanId)) return true;
    return false;
  }

  /** Processes of which facts wait, each as often as it does. */
  *allWaiting(): Iterable<string> {
    for (const [key, { order }] of this.#byKey) while (order.isWaiting) yield key;
  }

  /** Processes of which facts wait for one that has not come, since before a time. */
  *waitingSince(before: number): Iterable<string> {
    for (const [key, { waitingSince, order }] of this.#byKey)
      if (waitingSince !== undefined && (waitingSince < before || order.isFull)) yield key;
  }

  /**
   * Processes that are gone, for all that is known: they have something open, which they would say, and are silent, since a
   * time if another has taken their place, else since a time long ago. Then those that need not be remembered, having
   * nothing open since longer ago, or being too many.
   */
  *goneBefore(replaced: number, silent: number, idle: number): Iterable<string> {
    let tooMany = this.#byKey.size - MAX_PROCESSES;
    for (const [key, process] of this.#byKey) {
      const { heard, runs } = process;
      const isOpen = runs.size > 0;
      const isGone = heard < silent || (heard < replaced && this.#isReplaced(process));
      if (isOpen ? isGone : heard < idle || tooMany > 0) yield key;
      if (!isOpen) tooMany -= 1;
    }
  }

  *kept(): Iterable<KeptProcess> {
    for (const { order, runs, heard: _, waitingSince: __, ...process } of this.#byKey.values())
      yield { ...process, next: order.next, waiting: order.waiting, runs: runs.kept };
  }

  /** @param now on the clock's `elapsed` */
  restore({ runs, next, waiting, ...kept }: KeptProcess, now: number): void {
    const order = new FactOrder(next);
    for (const fact of waiting) order.take(fact);
    const waitingSince = waiting.length > 0 ? now : undefined;
    const { isTakenOver = false } = kept;
    const process = { ...kept, isTakenOver, order, runs: new ServerRuns(runs), heard: now, waitingSince };
    this.#byKey.set(keyOf(kept), process);
    this.#noteRuns(process);
    this.#lastHeard = now;
  }

  #takeAll(process: Process, facts: readonly ServerFact[]): ServerOutcome {
    const out = nothing();
    for (const fact of facts) {
      if (fact.kind === 'attach') {
        process.name = fact.process;
        process.hasRuns = fact.hasRuns;
      }
      if (!process.hasRuns && fact.kind === 'tracer') out.records.push(asRecord(fact, ++process.calls));
      if (!process.hasRuns && fact.kind !== 'attach') continue;
      const { certain, notOurs } = process.runs.take(fact);
      out.certain.push(...certain);
      if (notOurs) out[notOurs] += 1;
    }
    this.#noteRuns(process);
    return out;
  }

  #noteRuns(process: Process): void {
    if (process.runs.size > 0) this.#busy.add(process);
    else this.#busy.delete(process);
  }

  /** Takes no notice of what came between the last fact that was heard and this one. */
  #goOnAt(fact: ServerFact, process: Process): void {
    process.isTakenOver = false;
    if (fact.seq === process.order.next) return;
    process.order = new FactOrder(fact.seq);
    process.runs.goOnAt(fact);
  }

  #processOf(fact: ServerFact, now: number): Process {
    const key = keyOf(fact);
    const known = this.#byKey.get(key);
    if (known) return known;
    const { host, pid, boot, seq } = fact;
    const process: Process = {
      ...{ host, pid, boot, name: undefined, hasRuns: true, calls: 0 },
      // What was cut from the stream before we read it is not waited for.
      order: new FactOrder(this.#isTakenOver ? 1 : seq),
      runs: new ServerRuns(),
      heard: now,
      waitingSince: undefined,
      isTakenOver: this.#isTakenOver,
    };
    this.#byKey.set(key, process);
    return process;
  }

  #isReplaced({ host, boot, name }: Process): boolean {
    if (name === undefined) return false;
    for (const other of this.#byKey.values())
      if (other.host === host && other.name === name && BigInt(other.boot) > BigInt(boot)) return true;
    return false;
  }
}

function nothing(): ServerOutcome {
  return { certain: [], records: [], unplaced: 0, elsewhere: 0 };
}

/** What tells a process from all others. */
function keyOf({ host, pid, boot }: ServerProcess): string {
  return `${host} ${pid} ${boot}`;
}

/** A call as the forwarder of vcon-otel 0.1 told it. @param seq its number among the calls of its process */
function asRecord(fact: Extract<ServerFact, { kind: 'tracer' }>, seq: number): RecordFact {
  const { tracer, before, after, links, index, time, linkSpan, chain, host, pid, boot, vconSha256 } = fact;
  const { traceId, spanId, parentSpanId: rootSpanId } = linkSpan ?? {};
  const { sender } = fact;
  const worker = asWorker({ host, pid, boot });
  return {
    ...(fact.claimed !== undefined && { claimed: fact.claimed }),
    ...{ tracer, before, after, links, index, time, chain, seq, vconSha256, worker },
    ...{ traceId, spanId, rootSpanId, sender },
  };
}

function asWorker({ host, pid, boot }: ServerProcess): RecordFact['worker'] {
  return { host: `${host} ${boot}`, pid };
}
