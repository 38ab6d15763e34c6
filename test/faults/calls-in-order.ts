import type { ConserverTracer } from '../../src/index.ts';
import type { ChainEvent } from '../../src/model/event.ts';
import { RUN_CALLS, runNumberOf } from './numbered-runs.ts';

/**
 * The calls that a tracer is made of numbered runs: those of a run in their order, each until it was answered well, and then
 * never again.
 */
export class CallsInOrder {
  /** Calls answered well, of each run. */
  readonly #answered: Uint8Array;
  readonly #all = Promise.withResolvers<void>();
  /** Who waits for a run. */
  readonly #waiting = new Map<number, () => void>();
  #left: number;
  #fault: string | undefined;

  /** @param runs how many there will be */
  constructor(runs: number) {
    this.#answered = new Uint8Array(runs);
    this.#left = runs * RUN_CALLS.length;
    // It may fail before somebody waits for it.
    this.#all.promise.catch(() => {});
  }

  /** Calls that are still due. */
  get left(): number {
    return this.#left;
  }

  /** The first call that was not due, in words; also one that came when everything had been heard. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Resolves when every call was answered well; rejects as soon as one is made that is not due. */
  get all(): Promise<void> {
    return this.#all.promise;
  }

  /** Resolves when every call of a run was answered well. To be asked once. */
  async heard(run: number): Promise<void> {
    if ((this.#answered[run] ?? 0) < RUN_CALLS.length)
      await new Promise<void>((resolve) => this.#waiting.set(run, resolve));
  }

  /** A call is made. @returns the number of its run */
  made(call: Call, { eventId, runId, inVconUuid }: ChainEvent): number {
    const run = runNumberOf(inVconUuid);
    const due = RUN_CALLS[this.#answered[run] ?? RUN_CALLS.length];
    const what = `${eventId.slice(runId.length + 1)} ${call}`;
    if (what !== due) {
      this.#fault ??= `run ${run}: ${what} was called, and ${due ?? 'nothing'} was due`;
      this.#all.reject(new Error(this.#fault));
    }
    return run;
  }

  /** The call of a run that was made last is answered well. */
  answered(run: number): void {
    const answered = (this.#answered[run] ?? 0) + 1;
    this.#answered[run] = answered;
    this.#left -= 1;
    if (answered === RUN_CALLS.length) this.#waiting.get(run)?.();
    if (this.#left === 0) this.#all.resolve();
  }
}

type Call = 'trace' | 'run';

/** A tracer whose calls are all one. */
export function tracerOf(hear: (call: Call, event: ChainEvent) => unknown): ConserverTracer {
  return {
    trace: (_uuid, _name, _options, event) => hear('trace', event),
    run: (_in, _out, _tracer, _links, _index, _options, event) => hear('run', event),
  };
}

/** A tracer that is well. */
export function wellTracer(calls: CallsInOrder, answer: unknown = true): ConserverTracer {
  return tracerOf((call, event) => {
    calls.answered(calls.made(call, event));
    return answer;
  });
}
