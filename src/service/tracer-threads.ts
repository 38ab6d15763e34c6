import { totalmem } from 'node:os';
import { deliveryPolicy } from '../delivery/delivery-policy.ts';
import { ThreadedTracer, type ThreadState } from '../isolation/threaded-tracer.ts';
import type { IssueKind } from '../model/bridge-issues.ts';
import { systemClock } from '../model/clock.ts';
import { withDeadline } from '../model/deadline.ts';
import type { TracerModule } from '../model/tracer.ts';
import type { TracerEntry } from './tracer-span-processor-settings.ts';

/** Milliseconds for which a tracer may not yield, where its calls may not take longer. */
const PATIENCE = 5_000;
/** And while it is made, which takes long on a busy machine. */
const MAKING = 60_000;
/** Megabytes of memory that a tracer may use: the most, the least, and the share of what the container has. */
const MEMORY = { most: 256, least: 32, share: 1 / 8 };
/** Milliseconds that a tracer has to shut down that was not told before. */
const SHUTDOWN = 5_000;

/** Told when a tracer's thread has ended, or its tracer has left an error to nobody. */
export type ThreadTrouble = (
  kind: Extract<IssueKind, 'tracer_ended' | 'unhandled_rejection'>,
  detail: string,
) => void;

/** The threads of a service's tracers. */
export class TracerThreads {
  readonly #threads = new Map<string, ThreadedTracer>();
  /** What was to be told before anybody listened. */
  readonly #early: Parameters<ThreadTrouble>[] = [];
  #trouble: ThreadTrouble = (...trouble) => void this.#early.push(trouble);

  /** How they stand, by the names of the tracers. */
  get states(): Readonly<Record<string, ThreadState>> {
    return Object.fromEntries([...this.#threads].map(([name, thread]) => [name, thread.state]));
  }

  /** @param trouble told what was the matter so far, and from now on */
  observe(trouble: ThreadTrouble): void {
    this.#trouble = trouble;
    for (const early of this.#early.splice(0)) trouble(...early);
  }

  /**
   * Makes a tracer in a thread of its own.
   * @param file its module
   * @returns itself as a module, to be made once
   * @throws VconOtelError as where it runs in place
   */
  async start({ name, options = {}, delivery = {} }: TracerEntry, file: string): Promise<TracerModule> {
    const { timeout, concurrency } = deliveryPolicy(name, delivery);
    const thread = new ThreadedTracer({
      ...{ name, file, options, timeout, concurrency },
      patience: Math.max(timeout, PATIENCE),
      making: Math.max(timeout, MAKING),
      memory: memoryOfThread(),
      clock: systemClock,
      ended: (reason) => this.#trouble('tracer_ended', `tracer ${name}: ${reason}`),
      stray: (type) => this.#trouble('unhandled_rejection', `tracer ${name}: ${type}`),
    });
    this.#threads.set(name, thread);
    return thread.module(await thread.made);
  }

  /** Ends the thread of a tracer that is no more, if it has one. */
  async drop(name: string): Promise<void> {
    const thread = this.#threads.get(name);
    this.#threads.delete(name);
    await thread?.kill();
  }

  /** Ends them all, tracers that were not told to before included. */
  async end(): Promise<void> {
    await Promise.all(
      [...this.#threads.values()].map(async (thread) => {
        await withDeadline(thread.close(), SHUTDOWN, 'shutdown').catch(() => undefined);
        await thread.kill();
      }),
    );
  }
}

function memoryOfThread(): number {
  const ofAll = Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem());
  return Math.round(Math.min(MEMORY.most, Math.max(MEMORY.least, (ofAll * MEMORY.share) / 2 ** 20)));
}
