import type { LentRun, RestingRun } from './run-state.ts';
import { ServerRun } from './server-run.ts';
import { readRun } from './written-run.ts';

/** The open runs of a process, by their threads, the one that began first first. One that rests is awake once it is given out. */
export class OpenServerRuns {
  readonly #byThread = new Map<string, ServerRun | RestingRun>();

  constructor(kept: readonly (LentRun | RestingRun)[]) {
    for (const run of kept) {
      const open = 'line' in run ? run : ServerRun.restore(run.kept());
      this.#byThread.set(open.thread, open);
    }
  }

  /** What it takes to go on with them. */
  get kept(): readonly (LentRun | RestingRun)[] {
    return [...this.#byThread.values()].map((run) => (run instanceof ServerRun ? run.lend() : run));
  }

  get size(): number {
    return this.#byThread.size;
  }

  /** Facts of all of them. */
  get facts(): number {
    let facts = 0;
    for (const { size } of this.#byThread.values()) facts += size;
    return facts;
  }

  get eldest(): ServerRun | undefined {
    const [run] = this.#byThread.values();
    return run && this.#awake(run);
  }

  /** When that began, nanoseconds since the Unix epoch. */
  get began(): bigint {
    const [run] = this.#byThread.values();
    return BigInt(run?.began ?? 0n);
  }

  add(run: ServerRun): void {
    this.#byThread.set(run.thread, run);
  }

  remove(run: ServerRun): void {
    this.#byThread.delete(run.thread);
  }

  on(thread: string): ServerRun | undefined {
    const run = this.#byThread.get(thread);
    return run && this.#awake(run);
  }

  /** The one of a number in its process. */
  numbered(number: number | undefined): ServerRun | undefined {
    return this.#first((run) => run.number === number);
  }

  ofChainSpan(spanId: string): ServerRun | undefined {
    return this.#first((run) => run.chainSpanId === spanId);
  }

  /** Whether one of them has this chain span. */
  hasChainSpan(spanId: string): boolean {
    for (const run of this.#byThread.values()) if (run.chainSpanId === spanId) return true;
    return false;
  }

  find(is: (run: ServerRun) => boolean): ServerRun | undefined {
    return this.#first((run) => is(this.#awake(run)));
  }

  /** Those of which events were made, of the chains that somebody waits for. */
  *awaited(isAwaited: (chain: string) => boolean): Iterable<ServerRun> {
    for (const run of this.#byThread.values()) {
      if (!isAwaited(run.chain)) continue;
      const open = this.#awake(run);
      if (open.run) yield open;
    }
  }

  /** Notes which their process says that it holds open. @returns those of which it has said twice that it does not */
  missed(held: ReadonlySet<number>): ServerRun[] {
    const missed: ServerRun[] = [];
    for (const run of this.#byThread.values()) {
      if (run.number === undefined) continue;
      const isHeld = held.has(run.number);
      // Of one that rests nothing is new.
      if (isHeld && run.missed === 0) continue;
      const open = this.#awake(run);
      if (open.isMissed(isHeld)) missed.push(open);
    }
    return missed;
  }

  [Symbol.iterator](): Iterator<ServerRun> {
    return [...this.#byThread.values()].map((run) => this.#awake(run)).values();
  }

  #first(is: (run: ServerRun | RestingRun) => boolean): ServerRun | undefined {
    for (const [thread, run] of this.#byThread) if (is(run)) return this.on(thread);
    return undefined;
  }

  #awake(run: ServerRun | RestingRun): ServerRun {
    if (run instanceof ServerRun) return run;
    const awake = ServerRun.restore(readRun(run));
    this.#byThread.set(run.thread, awake);
    return awake;
  }
}
