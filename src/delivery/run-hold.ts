/**
 * Knows which deliveries of one run fail-closed tracers (`dlq_vcon_on_error`) have yet to get, and lets the chain runner
 * wait for them.
 */
export class RunHold {
  /** Each with the tracer that is to hear it. */
  readonly #due = new Map<string, string>();
  #failure: { readonly error: unknown } | undefined;
  #isGivenUp = false;
  #waiting: (() => void)[] = [];
  #closed = false;

  /** One more delivery is due, unless nobody waits for it any more. */
  expect(delivery: string, tracer: string): void {
    if (!this.#isGivenUp) this.#due.set(delivery, tracer);
  }

  /** The tracers that have yet to hear something. */
  get awaited(): ReadonlySet<string> {
    return new Set(this.#due.values());
  }

  /** One delivery is settled: made, or failed for good. A delivery that was not due changes nothing. */
  settle(delivery: string, failure?: { readonly error: unknown }): void {
    if (!this.#due.delete(delivery)) return;
    this.#failure ??= failure;
    if (this.#due.size === 0) this.#wake();
  }

  /** What a tracer has yet to hear is not waited for. */
  release(tracer: string): void {
    for (const [delivery, by] of this.#due) if (by === tracer) this.settle(delivery);
  }

  /** Nobody is to wait for deliveries that are still due, or become due later. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#isGivenUp = true;
    this.#due.clear();
    this.#wake();
  }

  /** The run has ended: no more deliveries will become due. */
  close(): void {
    this.#closed = true;
  }

  /** Why the run failed, if it did. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Whether nothing more can come. */
  get finished(): boolean {
    return this.#closed && this.#due.size === 0;
  }

  /**
   * Resolves when everything expected so far is settled.
   * @throws the first failure of the run
   */
  async settled(): Promise<void> {
    if (this.#due.size > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#failure) throw this.#failure.error;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
