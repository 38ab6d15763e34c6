import type { ChainEvent } from '../model/event.ts';

export interface TraceBatchesSettings<Answer> {
  /** Calls for an event that nothing else is ready beside. */
  alone(event: ChainEvent): Answer | Promise<Answer>;
  /** Calls for several; an answer for each. Never rejects. */
  together(events: readonly ChainEvent[]): Promise<readonly Answer[]>;
}

interface Waiting<Answer> {
  readonly event: ChainEvent;
  resolve(answer: Answer | Promise<Answer>): void;
}

/**
 * Gathers events that are ready at the same time. A run waits for the answer of its event, so that a batch has at most one of each,
 * and runs keep their order without more ado; what bounds the calls under way bounds batches.
 */
export class TraceBatches<Answer> {
  readonly #settings: TraceBatchesSettings<Answer>;
  #waiting: Waiting<Answer>[] = [];

  constructor(settings: TraceBatchesSettings<Answer>) {
    this.#settings = settings;
  }

  /** Never rejects. */
  add(event: ChainEvent): Promise<Answer> {
    // Runs that a batch has answered go on in the same round of microtasks, so that they meet again in the next one.
    if (this.#waiting.length === 0) queueMicrotask(() => void this.#call());
    return new Promise((resolve) => this.#waiting.push({ event, resolve }));
  }

  async #call(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    const [first, second] = batch;
    if (first && !second) first.resolve(this.#settings.alone(first.event));
    if (!second) return;
    const answers = await this.#settings.together(batch.map(({ event }) => event));
    for (const [i, answer] of answers.entries()) batch[i]?.resolve(answer);
  }
}
