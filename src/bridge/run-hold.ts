/**
 * Knows which deliveries fail-closed tracers (`dlq_vcon_on_error`) have still to hear of one run, and lets the chain runner
 * wait for them.
 */
export class RunHold {
  readonly #due = new Set<string>();
  #failure: { readonly error: unknown } | undefined;
  #waiting: (() => void)[] = [];
  #closed = false;

  /** One more delivery is due. */
  expect(delivery: string): void {
    this.#due.add(delivery);
  }

  /** One delivery is settled: made, or failed for good. One that is not due changes nothing. */
  settle(delivery: string, failure?: { readonly error: unknown }): void {
    if (!this.#due.delete(delivery)) return;
    this.#failure ??= failure;
    if (this.#due.size === 0) this.#wake();
  }

  /** What is still due will not be delivered. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#due.clear();
    this.#wake();
  }

  /** The run has ended: nothing more will be expected. */
  close(): void {
    this.#closed = true;
  }

  /** Whether nothing can come any more. */
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
