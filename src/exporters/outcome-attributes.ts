import type { Attributes } from '@opentelemetry/api';
import type { Stage } from '../model/event.ts';
import { ATTR, nameOf } from '../model/semconv.ts';

/** As many attribute sets as the SDK tells apart for one instrument. */
const MAX_SETS = 2_000;

/** Where a span, and a metric made from it, says how its step ended. */
export const OUTCOME_KEY = {
  chain: ATTR.chainOutcome,
  link: ATTR.linkOutcome,
  storage: ATTR.storageOutcome,
} as const satisfies Record<Stage, string>;

/** Metric attributes, made once for each chain, step and outcome rather than once for each span. */
export class OutcomeAttributes {
  /** By chain, span name and outcome. */
  readonly #sets = new Map<string, Map<string, Map<string, Attributes>>>();
  #size = 0;

  of(
    chain: string,
    stage: Stage,
    spanName: string,
    outcome: string,
    errorType: string | undefined,
  ): Attributes {
    const key = errorType === undefined ? outcome : `${outcome} ${errorType}`;
    const known = this.#sets.get(chain)?.get(spanName)?.get(key);
    if (known) return known;
    const attributes = make(chain, stage, spanName, outcome, errorType);
    if (this.#size < MAX_SETS) this.#keep(chain, spanName, key, attributes);
    return attributes;
  }

  #keep(chain: string, spanName: string, key: string, attributes: Attributes): void {
    const steps = this.#sets.get(chain) ?? new Map<string, Map<string, Attributes>>();
    const outcomes = steps.get(spanName) ?? new Map<string, Attributes>();
    this.#sets.set(chain, steps.set(spanName, outcomes.set(key, attributes)));
    this.#size += 1;
  }
}

function make(
  chain: string,
  stage: Stage,
  spanName: string,
  outcome: string,
  errorType: string | undefined,
): Attributes {
  const attributes: Attributes = { [ATTR.chainName]: chain, [OUTCOME_KEY[stage]]: outcome };
  if (stage !== 'chain') attributes[NAME_KEY[stage]] = nameOf(stage, spanName);
  if (errorType !== undefined) attributes[ATTR.errorType] = errorType;
  return attributes;
}

const NAME_KEY = { link: ATTR.linkName, storage: ATTR.storageName } as const;
