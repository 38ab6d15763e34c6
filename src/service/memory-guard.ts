import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { heapLimit, heapUsed, processMemory, residentMemory } from '../model/memory.ts';

/** Shares of what there is beyond which nothing more is taken in: of what lives, and of what is taken at this moment. */
const LIVING = 0.65;
const TAKEN = 0.85;
/** The same while what was open before is read again: what comes of it, and carrying it forward, need room, too. */
const TAKEN_IN_RECOVERY = 0.72;
/** Of the container's memory, with everything that is not V8's. */
const RESIDENT = 0.85;
/** Milliseconds that a look at the heap is good for. */
const LOOK = 10;
/** Milliseconds between two looks at the whole process. */
const LOOK_AT_ALL = 1_000;
/** Of the time, what collecting garbage on purpose may take. */
const COLLECTING = 0.1;

/** Watches what this process uses of its memory, so that it says no before it dies. */
export class MemoryGuard {
  readonly #limit = heapLimit();
  readonly #relieve = new Set<() => Promise<boolean>>();
  readonly #observer: PerformanceObserver;
  readonly #timer: NodeJS.Timeout;
  #lives = 0;
  #taken = 0;
  #looked = Number.NEGATIVE_INFINITY;
  #isResident = false;
  #collect: (() => void) | undefined;
  #collectedUntil = 0;
  #collectAgainAt = 0;

  constructor() {
    this.#observer = new PerformanceObserver((list) => {
      if (list.getEntries().some(isMajor)) this.#collected();
    });
    this.#observer.observe({ entryTypes: ['gc'] });
    this.#timer = setInterval(() => {
      this.#isResident = (residentMemory() ?? 0) > processMemory() * RESIDENT;
      if (this.isTight) this.#collectIfNobodyDid();
    }, LOOK_AT_ALL);
    this.#timer.unref();
  }

  /** Whether nothing more is to be taken in for the time being. */
  get isTight(): boolean {
    const now = performance.now();
    if (now - this.#looked > LOOK) {
      this.#looked = now;
      this.#taken = heapUsed();
    }
    return this.#isResident || this.#lives > this.#limit * LIVING || this.#taken > this.#limit * TAKEN;
  }

  /** Whether too much lives, for whoever has to know at once: where much is taken, garbage is collected first. */
  get isCrowded(): boolean {
    if (heapUsed() <= this.#limit * TAKEN_IN_RECOVERY) return false;
    this.#collectNow();
    return heapUsed() > this.#limit * LIVING;
  }

  /** @param relieve called when too much is left after garbage was collected; resolves when something was let go, if there was anything */
  onTight(relieve: () => Promise<boolean>): void {
    this.#relieve.add(relieve);
  }

  close(): void {
    this.#observer.disconnect();
    clearInterval(this.#timer);
  }

  /**
   * While everything is refused, nothing is made that V8 would collect garbage for: without this, what was let go would be
   * taken for alive, and nothing would ever be taken in again.
   */
  #collectIfNobodyDid(): void {
    const began = performance.now();
    if (began - this.#collectedUntil < LOOK_AT_ALL || began < this.#collectAgainAt) return;
    this.#collectNow();
    const took = performance.now() - began;
    this.#collectAgainAt = performance.now() + took / COLLECTING;
  }

  #collectNow(): void {
    this.#collect ??= garbageCollection();
    this.#collect();
  }

  #collected(): void {
    this.#collectedUntil = performance.now();
    this.#lives = heapUsed();
    if (this.#lives > this.#limit * LIVING) void this.#relieved(this.#collectedUntil);
  }

  /** What was let go is garbage, which may not be collected for a long time: until then, how much lives is not known. */
  async #relieved(collected: number): Promise<void> {
    const letGo = await Promise.all([...this.#relieve].map((relieve) => relieve()));
    if (letGo.includes(true) && this.#collectedUntil === collected) this.#lives = 0;
  }
}

/** V8's own, which a program gets by a flag only. */
function garbageCollection(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return collect;
}

function isMajor(entry: PerformanceEntry): boolean {
  const { detail } = entry as PerformanceEntry & { readonly detail?: { readonly kind?: number } };
  return detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
}
