import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type AggregationTemporalitySelector,
  type HistogramMetricData,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import { describe, expect, test } from 'vitest';
import { type Durations, InstrumentDurations } from '../../src/exporters/durations.ts';
import { joinedReader } from '../../src/exporters/joined-reader.ts';
import type { Ended, IsConfigured } from '../../src/exporters/outcome-sets.ts';
import { OwnDurations } from '../../src/exporters/own-durations.ts';
import { randomOf } from '../faults/random.ts';

class Reader extends MetricReader {
  constructor(aggregationTemporalitySelector: AggregationTemporalitySelector) {
    super({ aggregationTemporalitySelector });
  }

  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}

  /** What is seen of each metric, without times. */
  async seen() {
    const { resourceMetrics, errors } = await this.collect();
    expect(errors).toEqual([]);
    const metrics = resourceMetrics.scopeMetrics.flatMap((of) => of.metrics) as HistogramMetricData[];
    return metrics
      .map(({ descriptor, dataPoints, ...kind }) => ({
        name: descriptor.name,
        unit: descriptor.unit,
        description: descriptor.description,
        ...kind,
        points: dataPoints
          .map(({ attributes, value }) => ({ attributes, value: { ...value, sum: value.sum?.toFixed(6) } }))
          .toSorted((a, b) => keyOf(a.attributes).localeCompare(keyOf(b.attributes))),
      }))
      .toSorted((a, b) => a.name.localeCompare(b.name));
  }
}

const keyOf = (attributes: object) => JSON.stringify(Object.entries(attributes).toSorted());
const resource = resourceFromAttributes({});

const isMain: IsConfigured = ({ chain }) => chain === 'main';

/** A reader of our own histograms, and one of the SDK's instruments. */
function both(temporality: AggregationTemporality) {
  const [own, sdk] = [new Reader(() => temporality), new Reader(() => temporality)];
  const durations = new OwnDurations(isMain);
  new MeterProvider({ resource, readers: [joinedReader(own, durations)] });
  const instruments = new InstrumentDurations(new MeterProvider({ resource, readers: [sdk] }), isMain);
  const record: Durations['record'] = (ended, seconds) => {
    durations.record(ended, seconds);
    instruments.record(ended, seconds);
  };
  return { own, sdk, record };
}

function some(random: () => number, names: number): [Ended, number] {
  const below = (end: number) => Math.floor(random() * end);
  const stage = (['chain', 'link', 'storage'] as const)[below(3)] ?? 'chain';
  const errorType = below(4) === 0 ? 'ValueError' : undefined;
  const name = stage === 'chain' ? 'main' : `n${below(names)}`;
  const outcome = errorType === undefined ? 'success' : 'error';
  // Some lie on the edge of a bucket.
  const seconds = below(5) === 0 ? 0.005 : below(4_000_000) / 1_000;
  return [{ stage, chain: 'main', name, outcome, errorType }, seconds];
}

describe('our own histograms show what the instruments of the SDK do', () => {
  test.each([
    ['everything so far', AggregationTemporality.CUMULATIVE],
    ['what has come since the last look', AggregationTemporality.DELTA],
  ])('%s', async (_, temporality) => {
    const { own, sdk, record } = both(temporality);
    const random = randomOf(7);
    for (let look = 0; look < 4; look += 1) {
      // Nothing comes before the third look.
      for (let i = 0; i < (look === 2 ? 0 : 500); i += 1) record(...some(random, 3));
      const [ours, theirs] = [await own.seen(), await sdk.seen()];
      // Of a part nobody knows the least and the most.
      const isPart = temporality === AggregationTemporality.DELTA;
      const withoutEnds = (metrics: typeof ours) =>
        metrics.map(({ points, ...metric }) => ({
          ...metric,
          points: points.map(({ attributes, value: { min: _min, max: _max, ...value } }) => ({
            attributes,
            value,
          })),
        }));
      expect(isPart ? withoutEnds(ours) : ours).toEqual(isPart ? withoutEnds(theirs) : theirs);
    }
  });

  test('too many sets of attributes share one', async () => {
    const { own, record } = both(AggregationTemporality.CUMULATIVE);
    for (let i = 0; i < 3_000; i += 1)
      record({ stage: 'chain', chain: `c${i}`, name: `c${i}`, outcome: 'complete', errorType: undefined }, 1);
    const [metric] = await own.seen();
    expect(metric?.points).toHaveLength(1_001);
    expect(metric?.points.find(({ attributes }) => 'otel.metric.overflow' in attributes)?.value.count).toBe(
      2_000,
    );
  });
});
