import type { Attributes } from '@opentelemetry/api';
import type { Stage } from '../model/event.ts';
import { ATTR } from '../model/semconv.ts';

/** Attribute sets of one stage of what no configuration names: any more share one, so that nobody can make any number of them. */
const MAX_UNKNOWN = 1_000;
/** Types of error that are told apart of one link, storage or chain; any others are `_OTHER`, as OpenTelemetry has it. */
const MAX_ERROR_TYPES = 16;
const OTHER_ERROR = '_OTHER';
/** Milliseconds after which a set of what no configuration names, and of which nothing was heard, makes room. */
const IDLE = 3_600_000;

const OUTCOME_KEY = {
  chain: ATTR.chainOutcome,
  link: ATTR.linkOutcome,
  storage: ATTR.storageOutcome,
} as const satisfies Record<Stage, string>;

const NAME_KEY = { link: ATTR.linkName, storage: ATTR.storageName } as const;

/** The attributes of whatever there are too many of. */
export const OVERFLOW: Attributes = { 'otel.metric.overflow': true };

/** A chain, or a step of one. */
export interface MeasuredStep {
  readonly stage: Stage;
  readonly chain: string;
  /** The link's or storage's; the chain's. */
  readonly name: string;
}

/** What has ended, and how. */
export interface Ended extends MeasuredStep {
  readonly outcome: string;
  readonly errorType: string | undefined;
}

/** Whether a configuration names it: then it always has series of its own. */
export type IsConfigured = (measured: MeasuredStep) => boolean;

/** How {@link OutcomeSets} keeps. */
export interface OutcomeSetsSettings {
  readonly isConfigured: IsConfigured;
  /** Milliseconds on a clock that only goes forward. Without it nothing expires: not everybody can forget a series. */
  readonly elapsed?: () => number;
}

/** Something for each set of attributes of one stage, made once rather than once for each span. */
export class OutcomeSets<Kept> {
  /** By chain, name and outcome. */
  readonly #kept = new Map<string, Map<string, Map<string, KeptSet<Kept>>>>();
  readonly #make: (attributes: Attributes) => Kept;
  readonly #settings: OutcomeSetsSettings;
  #unknown = 0;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(make: (attributes: Attributes) => Kept, settings: OutcomeSetsSettings) {
    this.#make = make;
    this.#settings = settings;
  }

  /** @returns undefined where there are too many to keep another */
  of(ended: Ended): Kept | undefined {
    const { chain, name, outcome, errorType } = ended;
    const key = keyOf(outcome, errorType);
    const found = this.#kept.get(chain)?.get(name);
    const known = found?.get(key);
    if (known === undefined) return this.#add(ended, found);
    if (known.usedAt !== undefined) known.usedAt = this.#now();
    return known.kept;
  }

  *[Symbol.iterator](): Iterator<Kept> {
    this.#forgetIdle();
    for (const steps of this.#kept.values())
      for (const outcomes of steps.values()) for (const { kept } of outcomes.values()) yield kept;
  }

  #add(ended: Ended, found: Map<string, KeptSet<Kept>> | undefined): Kept | undefined {
    const { chain, name, outcome, errorType } = ended;
    // Outcomes are few; types of errors are whatever a sender says.
    if (errorType !== undefined && errorType !== OTHER_ERROR && (found?.size ?? 0) >= MAX_ERROR_TYPES)
      return this.of({ ...ended, errorType: OTHER_ERROR });
    const isConfigured = this.#settings.isConfigured(ended);
    if (!isConfigured && this.#unknown >= MAX_UNKNOWN) {
      this.#forgetIdle();
      if (this.#unknown >= MAX_UNKNOWN) return undefined;
    }
    const kept = this.#make(attributesOf(ended));
    const steps = this.#kept.get(chain) ?? new Map<string, Map<string, KeptSet<Kept>>>();
    const outcomes = steps.get(name) ?? new Map<string, KeptSet<Kept>>();
    outcomes.set(keyOf(outcome, errorType), { kept, usedAt: isConfigured ? undefined : this.#now() });
    this.#kept.set(chain, steps.set(name, outcomes));
    if (!isConfigured) this.#unknown += 1;
    return kept;
  }

  #now(): number {
    return this.#settings.elapsed?.() ?? 0;
  }

  /** Once a minute at most: a flood of names asks for it with each. */
  #forgetIdle(): void {
    const now = this.#now();
    if (now - this.#sweptAt < IDLE / 60) return;
    this.#sweptAt = now;
    for (const [chain, steps] of this.#kept) {
      for (const [name, outcomes] of steps) {
        for (const [key, { usedAt = now }] of outcomes)
          if (now - usedAt > IDLE) {
            outcomes.delete(key);
            this.#unknown -= 1;
          }
        if (outcomes.size === 0) steps.delete(name);
      }
      if (steps.size === 0) this.#kept.delete(chain);
    }
  }
}

interface KeptSet<Kept> {
  readonly kept: Kept;
  /** When something was heard of it last; undefined where it is configured, and so never idle. */
  usedAt: number | undefined;
}

function keyOf(outcome: string, errorType: string | undefined): string {
  return errorType === undefined ? outcome : `${outcome} ${errorType}`;
}

/** The attributes of a metric of what has ended. */
function attributesOf({ stage, chain, name, outcome, errorType }: Ended): Attributes {
  return {
    ...(errorType !== undefined && { [ATTR.errorType]: errorType }),
    [ATTR.chainName]: chain,
    ...(stage !== 'chain' && { [NAME_KEY[stage]]: name }),
    [OUTCOME_KEY[stage]]: outcome,
  };
}
