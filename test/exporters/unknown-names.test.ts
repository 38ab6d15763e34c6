import { AggregationTemporality, type HistogramMetricData } from '@opentelemetry/sdk-metrics';
import { describe, expect, test } from 'vitest';
import { ActiveRuns } from '../../src/exporters/active-runs.ts';
import type { Ended } from '../../src/exporters/outcome-sets.ts';
import { OwnDurations } from '../../src/exporters/own-durations.ts';

const HOUR = 3_600_000;
const junk = (i: number): Ended => ({
  stage: 'chain',
  chain: `junk-${i}`,
  name: `junk-${i}`,
  outcome: 'complete',
  errorType: undefined,
});
const chain = (name: string): Ended => ({ ...junk(0), chain: name, name });

function durations(configured: readonly string[] = []) {
  let now = 0;
  const own = new OwnDurations(
    ({ name }) => configured.includes(name),
    () => now,
  );
  const view = own.view(AggregationTemporality.CUMULATIVE);
  const series = () => {
    const metrics = view().metrics as HistogramMetricData[];
    return metrics.flatMap(({ dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({ attributes, count: value.count })),
    );
  };
  return {
    own,
    series,
    names: () => series().map(({ attributes }) => attributes['vcon.chain.name']),
    later: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

describe('however many names are made up', () => {
  test('a chain of the configuration has series of its own, also one that comes late', () => {
    const { own, names, series } = durations(['main', 'new']);
    own.record(chain('main'), 1);
    for (let i = 0; i < 100_000; i += 1) own.record(junk(i), 1);
    own.record(chain('new'), 1);
    expect(names()).toEqual(expect.arrayContaining(['main', 'new']));
    expect(series()).toHaveLength(1_003);
    expect(series().find(({ attributes }) => attributes['otel.metric.overflow'])).toMatchObject({
      count: 99_000,
    });
  });

  test('links and storages too, each by its own', () => {
    const { own, series } = durations(['transcribe']);
    for (const stage of ['link', 'storage'] as const) {
      for (let i = 0; i < 2_000; i += 1) own.record({ ...junk(i), stage, chain: 'main' }, 1);
      own.record({ ...junk(0), stage, chain: 'main', name: 'transcribe' }, 1);
    }
    const named = series().filter(({ attributes }) => Object.values(attributes).includes('transcribe'));
    expect(named).toHaveLength(2);
  });

  test('types of errors do not make series without end either', () => {
    const { own, series } = durations(['main']);
    for (let i = 0; i < 1_000; i += 1)
      own.record({ ...chain('main'), outcome: 'error', errorType: `Error${i}` }, 1);
    expect(series().length).toBeLessThan(20);
    expect(series().find(({ attributes }) => attributes['error.type'] === '_OTHER')).toMatchObject({
      count: 984,
    });
  });

  test('what nobody spoke of for an hour makes room, what is configured never does', () => {
    const { own, names, later } = durations(['main']);
    own.record(chain('main'), 1);
    for (let i = 0; i < 1_000; i += 1) own.record(junk(i), 1);
    later(HOUR / 2);
    own.record(junk(7), 1);
    later(HOUR / 2 + 1);
    own.record(chain('real'), 1);
    expect(names().toSorted()).toEqual(['junk-7', 'main', 'real']);
  });
});

describe('runs under way', () => {
  test('are shown of chains of the configuration, whatever others there are, and of none that was idle for an hour', () => {
    let now = 0;
    const runs = new ActiveRuns(
      ({ name }) => name === 'main',
      () => now,
    );
    const shown = () => {
      const seen = new Map<unknown, number>();
      runs.observe({
        observe: (value, attributes = {}) => void seen.set(attributes['vcon.chain.name'] ?? 'others', value),
      });
      return seen;
    };
    for (let i = 0; i < 1_500; i += 1) runs.begin(`junk-${i}`);
    runs.begin('main');
    expect([shown().size, shown().get('main'), shown().get('others')]).toEqual([1_002, 1, 500]);
    for (let i = 0; i < 1_500; i += 1) runs.end(`junk-${i}`);
    runs.end('main');
    expect([...shown().values()].every((count) => count === 0)).toBe(true);
    now = HOUR + 1;
    expect([...shown().keys()]).toEqual(['main', 'others']);
  });
});
