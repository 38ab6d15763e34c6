import { type Attributes, type Histogram, type MeterProvider, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Stage } from '../model/event.ts';
import { DURATION_BUCKETS, METRIC, type MetricDescription, SCOPE_NAME } from '../model/semconv.ts';
import { type Ended, type IsConfigured, OutcomeSets, OVERFLOW } from './outcome-sets.ts';

/** What takes how long chains, links and storages took. */
export interface Durations {
  /** @param seconds not negative */
  record(ended: Ended, seconds: number): void;
}

/** The durations of each stage. */
export const DURATION_METRICS = {
  chain: METRIC.chainDuration,
  link: METRIC.linkDuration,
  storage: METRIC.storageDuration,
} as const satisfies Record<Stage, MetricDescription>;

/** By instruments of OpenTelemetry's API, whoever implements that. */
export class InstrumentDurations implements Durations {
  readonly #instruments: Readonly<Record<Stage, Histogram>>;
  readonly #attributes: Readonly<Record<Stage, OutcomeSets<Attributes>>>;

  constructor(provider: MeterProvider, isConfigured: IsConfigured) {
    const meter = provider.getMeter(SCOPE_NAME);
    const instrument = ({ name, unit, description }: MetricDescription) =>
      meter.createHistogram(name, {
        unit,
        description,
        advice: { explicitBucketBoundaries: [...DURATION_BUCKETS] },
      });
    const sets = () => new OutcomeSets<Attributes>((attributes) => attributes, { isConfigured });
    this.#instruments = {
      chain: instrument(DURATION_METRICS.chain),
      link: instrument(DURATION_METRICS.link),
      storage: instrument(DURATION_METRICS.storage),
    };
    this.#attributes = { chain: sets(), link: sets(), storage: sets() };
  }

  record(ended: Ended, seconds: number): void {
    const attributes = this.#attributes[ended.stage].of(ended) ?? OVERFLOW;
    this.#instruments[ended.stage].record(seconds, attributes, ROOT_CONTEXT);
  }
}
