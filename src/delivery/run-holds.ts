import type { Clock } from '../model/clock.ts';
import { VconOtelError } from '../model/error.ts';
import type { ChainEvent } from '../model/event.ts';
import { RunHold } from './run-hold.ts';

/** How many failed runs are remembered, for callers that ask late. */
const MAX_FAILED = 10_000;

export interface RunHoldsSettings {
  readonly clock: Clock;
  /** For how many milliseconds a chain waits for a fail-closed tracer at a step; 0: without end. */
  limit(tracer: string): number;
  /** Told when a chain has waited in vain. */
  late(tracer: string): void;
}

/** The holds of the runs that fail-closed tracers hear, each kept until nothing more can come. */
export class RunHolds {
  readonly #settings: RunHoldsSettings;
  readonly #holds = new Map<string, RunHold>();
  /** Why finished runs failed, oldest first. */
  readonly #failed = new Map<string, unknown>();

  constructor(settings: RunHoldsSettings) {
    this.#settings = settings;
  }

  /** A run has started: from now on, callers can wait for it. */
  open(runId: string): void {
    this.#failed.delete(runId);
    this.#holds.set(runId, new RunHold());
  }

  /** Tracers are due to hear an event. */
  expect({ runId, eventId }: ChainEvent, tracers: readonly string[]): void {
    const hold = this.#holds.get(runId);
    if (hold) for (const tracer of tracers) hold.expect(`${tracer} ${eventId}`, tracer);
  }

  /** One delivery is settled: made, or failed for good. */
  settle({ runId, eventId }: ChainEvent, tracer: string, failure?: { readonly error: unknown }): void {
    this.#holds.get(runId)?.settle(`${tracer} ${eventId}`, failure);
    this.#letGo(runId);
  }

  /** No more deliveries of a run will become due. */
  close(runId: string): void {
    this.#holds.get(runId)?.close();
    this.#letGo(runId);
  }

  /** Deliveries of a run that are still due will not be made. */
  fail(runId: string, error: unknown): void {
    this.#holds.get(runId)?.fail(error);
  }

  /** A tracer is no more: nobody waits for it. */
  release(tracer: string): void {
    for (const [runId, hold] of this.#holds) {
      hold.release(tracer);
      this.#letGo(runId);
    }
  }

  /** No delivery that is still due will be made. */
  failAll(error: unknown): void {
    for (const hold of this.#holds.values()) hold.fail(error);
  }

  /**
   * Resolves when everything expected of a run so far is settled; at once for a run that nobody waits for.
   * @param patiently whether the caller has a deadline of its own, so that no limit of ours holds
   * @throws the first failure of the run; `TRACER_FAILED` where the time is up: nobody waits for this run again
   */
  async settled(runId: string, patiently: boolean): Promise<void> {
    if (this.#failed.has(runId)) throw this.#failed.get(runId);
    const hold = this.#holds.get(runId);
    if (!hold) return;
    const callOffs = patiently ? [] : [...hold.awaited].flatMap((tracer) => this.#limit(hold, tracer));
    try {
      await hold.settled();
    } finally {
      for (const callOff of callOffs) callOff();
      this.#letGo(runId);
    }
  }

  #limit(hold: RunHold, tracer: string): (() => void)[] {
    const { clock, late } = this.#settings;
    const limit = this.#settings.limit(tracer);
    if (limit === 0) return [];
    const callOff = clock.after(limit, () => {
      if (!hold.awaited.has(tracer)) return;
      late(tracer);
      const text = `tracer ${tracer} has not heard the chain within ${limit / 1e3} s`;
      hold.fail(new VconOtelError('TRACER_FAILED', text));
    });
    return [callOff];
  }

  #letGo(runId: string): void {
    const hold = this.#holds.get(runId);
    if (!hold?.finished) return;
    this.#holds.delete(runId);
    if (!hold.failure) return;
    this.#failed.set(runId, hold.failure.error);
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > MAX_FAILED && oldest !== undefined) this.#failed.delete(oldest);
  }
}
