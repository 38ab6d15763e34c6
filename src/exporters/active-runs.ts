import type { Attributes, ObservableResult } from '@opentelemetry/api';
import { ATTR } from '../model/semconv.ts';
import { type IsConfigured, OVERFLOW } from './outcome-sets.ts';

/** Chains that no configuration names and that are counted under their own name; the rest share OpenTelemetry's overflow attribute. */
const MAX_UNKNOWN = 1_000;
/** Milliseconds after which such a chain, of which no run is under way, is reported no more. */
const IDLE = 3_600_000;

/** How many runs of each chain are under way. */
export class ActiveRuns {
  readonly #chains = new Map<string, ChainCount>();
  readonly #others: ChainCount = { attributes: OVERFLOW, runs: 0, isConfigured: false, usedAt: 0 };
  readonly #isConfigured: IsConfigured;
  readonly #elapsed: () => number;
  #unknown = 0;
  #overflowed = false;

  constructor(isConfigured: IsConfigured, elapsed: () => number = () => performance.now()) {
    this.#isConfigured = isConfigured;
    this.#elapsed = elapsed;
  }

  /** A run of a chain has begun. */
  begin(chain: string): void {
    const count = this.#chains.get(chain) ?? this.#added(chain);
    count.runs += 1;
    count.usedAt = this.#elapsed();
  }

  /** One that has begun is over. */
  end(chain: string): void {
    const count = this.#chains.get(chain);
    // It may have begun when there was no room for its chain.
    if (count === undefined || count.runs === 0) this.#others.runs -= 1;
    else count.runs -= 1;
  }

  /** Reports the runs under way. A chain once seen is reported as 0 when it has none. */
  observe(result: ObservableResult): void {
    this.#forgetIdle();
    for (const { runs, attributes } of this.#chains.values()) result.observe(runs, attributes);
    if (this.#overflowed) result.observe(this.#others.runs, this.#others.attributes);
  }

  #added(chain: string): ChainCount {
    const isConfigured = this.#isConfigured({ stage: 'chain', chain, name: chain });
    if (!isConfigured && this.#unknown >= MAX_UNKNOWN) {
      this.#overflowed = true;
      return this.#others;
    }
    const count = { attributes: { [ATTR.chainName]: chain }, runs: 0, isConfigured, usedAt: 0 };
    this.#chains.set(chain, count);
    if (!isConfigured) this.#unknown += 1;
    return count;
  }

  #forgetIdle(): void {
    const now = this.#elapsed();
    for (const [chain, { runs, isConfigured, usedAt }] of this.#chains)
      if (runs === 0 && !isConfigured && now - usedAt > IDLE) {
        this.#chains.delete(chain);
        this.#unknown -= 1;
      }
  }
}

interface ChainCount {
  readonly attributes: Attributes;
  readonly isConfigured: boolean;
  runs: number;
  /** When a run has begun last. */
  usedAt: number;
}
