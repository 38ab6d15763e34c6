import type { Attributes, ObservableResult } from '@opentelemetry/api';
import { ATTR } from '../model/semconv.ts';

/** Runs looked after at the same time. Beyond it the oldest is given up: most likely it was left open for good. */
const MAX_OPEN = 200_000;
/** Chains counted under their own name; the rest share OpenTelemetry's overflow attribute. */
const MAX_CHAINS = 1_000;

/** The runs under way: how many for each chain, and whether a link of a run has failed. */
export class ActiveRuns {
  /** By the span id of the chain span, oldest first. */
  readonly #open = new Map<string, OpenRun>();
  readonly #chains = new Map<string, ChainCount>();
  readonly #others: ChainCount = { attributes: { 'otel.metric.overflow': true }, runs: 0 };

  begin(spanId: string, chain: string): void {
    if (this.#open.has(spanId)) return;
    if (this.#open.size >= MAX_OPEN) {
      const oldest = this.#open.keys().next();
      if (!oldest.done) this.end(oldest.value);
    }
    const count = this.#countOf(chain);
    count.runs += 1;
    this.#open.set(spanId, { count, linkError: undefined });
  }

  /** Notes the `error.type` of a failed link; `spanId` is its parent. */
  linkFailed(spanId: string, error: string): void {
    const run = this.#open.get(spanId);
    if (run) run.linkError ??= error;
  }

  /** Ends a run. @returns the `error.type` of its first link that failed, if any did */
  end(spanId: string): string | undefined {
    const run = this.#open.get(spanId);
    if (!run) return undefined;
    this.#open.delete(spanId);
    run.count.runs -= 1;
    return run.linkError;
  }

  /** Reports the runs under way. A chain once seen is reported as 0 when it has none. */
  observe(result: ObservableResult): void {
    for (const { runs, attributes } of this.#chains.values()) result.observe(runs, attributes);
    if (this.#chains.size >= MAX_CHAINS) result.observe(this.#others.runs, this.#others.attributes);
  }

  /** Ends all runs. */
  clear(): void {
    this.#open.clear();
    for (const count of [...this.#chains.values(), this.#others]) count.runs = 0;
  }

  #countOf(chain: string): ChainCount {
    let count = this.#chains.get(chain);
    if (count) return count;
    if (this.#chains.size >= MAX_CHAINS) return this.#others;
    count = { attributes: { [ATTR.chainName]: chain }, runs: 0 };
    this.#chains.set(chain, count);
    return count;
  }
}

interface ChainCount {
  readonly attributes: Attributes;
  runs: number;
}

interface OpenRun {
  readonly count: ChainCount;
  linkError: string | undefined;
}
