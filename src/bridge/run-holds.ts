import { holdForDelivery } from '../model/delivery.ts';
import type { ChainEvent } from '../model/event.ts';
import { RunHold } from './run-hold.ts';

/** The holds of the runs that fail-closed tracers hear, each kept until nothing can come any more. */
export class RunHolds {
  readonly #holds = new Map<string, RunHold>();

  /** A run has started: its chain runner can wait from here on. */
  open(runId: string, chainSpan: object): void {
    const hold = new RunHold();
    this.#holds.set(runId, hold);
    holdForDelivery(chainSpan, () => hold.settled());
  }

  /** Tracers are due to hear an event. */
  expect({ runId, eventId }: ChainEvent, tracers: readonly string[]): void {
    const hold = this.#holds.get(runId);
    if (hold) for (const tracer of tracers) hold.expect(`${tracer} ${eventId}`);
  }

  /** One delivery is settled: made, or failed for good. */
  settle({ runId, eventId }: ChainEvent, tracer: string, failure?: { readonly error: unknown }): void {
    this.#holds.get(runId)?.settle(`${tracer} ${eventId}`, failure);
    this.#letGo(runId);
  }

  /** Nothing more will be expected of a run. */
  close(runId: string): void {
    this.#holds.get(runId)?.close();
    this.#letGo(runId);
  }

  /** What is still due of a run will not be delivered. */
  fail(runId: string, error: unknown): void {
    this.#holds.get(runId)?.fail(error);
  }

  /** Nothing that is still due will be delivered. */
  failAll(error: unknown): void {
    for (const hold of this.#holds.values()) hold.fail(error);
    this.#holds.clear();
  }

  #letGo(runId: string): void {
    if (this.#holds.get(runId)?.finished) this.#holds.delete(runId);
  }
}
