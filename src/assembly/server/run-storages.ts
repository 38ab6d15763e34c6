import type { GrowingStep } from '../../model/growing-run.ts';
import type { EmittedRun, SpanIds } from './emitted-run.ts';

/** The storages of one run. They may be written side by side. */
export class RunStorages {
  readonly #emitted: EmittedRun;
  readonly #open = new Map<string, GrowingStep>();
  #begun = 0;

  constructor(emitted: EmittedRun) {
    this.#emitted = emitted;
  }

  /** How many have begun. */
  get begun(): number {
    return this.#begun;
  }

  /** Whether one is open under that key. */
  has(key: string): boolean {
    return this.#open.has(key);
  }

  /** @param key its span's id, or without spans its name */
  begin(name: string, key: string, start: bigint, vconUuid: string, span: SpanIds | undefined): void {
    this.#begun += 1;
    this.#open.set(key, this.#emitted.beginStorage(name, this.#begun, start, vconUuid, span));
  }

  end(key: string, end: bigint, error: string | undefined): void {
    const step = this.#open.get(key);
    if (!step) return;
    this.#open.delete(key);
    const outVconUuid = step.inVconUuid;
    if (error === undefined)
      this.#emitted.endStep(step, { outcome: 'success', outVconUuid, end, inferred: [] });
    else this.#emitted.endStep(step, { outcome: 'error', errorType: error, outVconUuid, end, inferred: [] });
  }
}
