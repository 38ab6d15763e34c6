/**
 * Counts what fail-closed tracers (`dlq_vcon_on_error`) have still to hear of one run, and lets the chain
 * runner wait for it.
 */
export class RunHold {
  #due = 0;
  #failure: { readonly error: unknown } | undefined;
  #waiting: (() => void)[] = [];
  #closed = false;

  /** One more delivery is due. */
  expect(): void {
    this.#due += 1;
  }

  /** One delivery is settled: made, or failed for good. */
  settle(failure?: { readonly error: unknown }): void {
    this.#failure ??= failure;
    if (this.#due > 0) this.#due -= 1;
    if (this.#due === 0) this.#wake();
  }

  /** What is still due will not be delivered. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#due = 0;
    this.#wake();
  }

  /** The run has ended: nothing more will be expected. */
  close(): void {
    this.#closed = true;
  }

  /** Whether nothing can come any more. */
  get finished(): boolean {
    return this.#closed && this.#due === 0;
  }

  /**
   * Resolves when everything expected so far is settled.
   * @throws the first failure of the run
   */
  async settled(): Promise<void> {
    if (this.#due > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#failure) throw this.#failure.error;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
