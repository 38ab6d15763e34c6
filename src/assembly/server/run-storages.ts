import type { GrowingStep } from '../../model/growing-run.ts';
import type { EmittedRun, SpanIds } from './emitted-run.ts';

/** What of a run's storages it takes to go on with them: the steps of those that are open are the run's. */
export interface KeptStorages {
  readonly open: readonly (readonly [key: string, spanId: string])[];
  readonly begun: number;
}

/** The storages of one run. They may be written side by side. */
export class RunStorages {
  readonly #emitted: EmittedRun;
  readonly #open = new Map<string, GrowingStep>();
  #begun: number;

  /** @param kept as they were, where the run goes on */
  constructor(emitted: EmittedRun, kept?: KeptStorages) {
    this.#emitted = emitted;
    this.#begun = kept?.begun ?? 0;
    for (const [key, spanId] of kept?.open ?? []) {
      const step = emitted.openStep((of) => of.stage === 'storage' && of.spanContext.spanId === spanId);
      if (step) this.#open.set(key, step);
    }
  }

  get kept(): KeptStorages {
    const open = [...this.#open].map(([key, { spanContext }]) => [key, spanContext.spanId] as const);
    return { open, begun: this.#begun };
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
