import { readFile } from 'node:fs/promises';
import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import { expect, test } from 'vitest';
import { ASSEMBLY_ISSUES } from '../../src/assembly/issues.ts';
import { prometheusName, prometheusUnit } from '../../src/exporters/prometheus/metric-name.ts';
import { METRIC } from '../../src/model/semconv.ts';
import { EXPECTED_NAMES } from './expected-names.ts';

type Kind = 'counter' | 'up-down counter' | 'gauge' | 'histogram';

// Expectations by hand, from OpenTelemetry's "Prometheus and OpenMetrics Compatibility" and the Collector's translator.
test.each<[string, string, Kind, string]>([
  ['http.server.request.duration', 's', 'histogram', 'http_server_request_duration_seconds'],
  ['process.memory.usage', 'By', 'up-down counter', 'process_memory_usage_bytes'],
  ['job.delay', 'ms', 'gauge', 'job_delay_milliseconds'],
  ['requests', '{request}', 'counter', 'requests_total'],
  ['requests.total', '', 'counter', 'requests_total'],
  ['total.requests', '1', 'counter', 'requests_total'],
  ['disk.io', 'By', 'counter', 'disk_io_bytes_total'],
  ['disk.io.bytes', 'By', 'counter', 'disk_io_bytes_total'],
  ['disk.speed', 'By/s', 'gauge', 'disk_speed_bytes_per_second'],
  ['disk.errors', '{error}/s', 'gauge', 'disk_errors_per_second'],
  ['queue.fill', '1', 'gauge', 'queue_fill_ratio'],
  ['queue.fill.ratio', '1', 'gauge', 'queue_fill_ratio'],
  ['queue.depth', '1', 'up-down counter', 'queue_depth'],
  ['queue.fill', '%', 'gauge', 'queue_fill_percent'],
  ['queue.depth', 'jobs', 'gauge', 'queue_depth_jobs'],
  ['queue.depth', '{job}', 'gauge', 'queue_depth'],
  ['oldest_age', 's', 'gauge', 'oldest_age_seconds'],
  ['a..b--c', '', 'gauge', 'a_b_c'],
])('%s in %j, a %s, is %s', (name, unit, kind, expected) => {
  expect(prometheusName(metric(name, unit, kind))).toBe(expected);
});

test('a unit is spelled as Prometheus has it', () => {
  expect(['s', 'By/s', '{run}', '1', ''].map(prometheusUnit)).toEqual([
    'seconds',
    'bytes_per_second',
    '',
    '',
    '',
  ]);
});

test('the metric reference tells every metric by both its names', async () => {
  const reference = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  for (const { name, unit } of Object.values(METRIC)) {
    const row = reference.split('\n').find((line) => line.startsWith(`| \`${name}\` |`));
    expect(row, name).toContain(`| \`${EXPECTED_NAMES[name]}\` |`);
    expect(row, name).toContain(`| \`${unit}\` |`);
  }
});

test('the metric reference tells every kind of issue of a receiver', async () => {
  const reference = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const untold = ASSEMBLY_ISSUES.filter((kind) => !reference.includes(`\`${kind}\``));
  expect(untold).toEqual([]);
});

function metric(name: string, unit: string, kind: Kind): MetricData {
  const dataPointType = {
    counter: DataPointType.SUM,
    'up-down counter': DataPointType.SUM,
    gauge: DataPointType.GAUGE,
    histogram: DataPointType.HISTOGRAM,
  }[kind];
  return {
    descriptor: { name, unit, description: '', valueType: 1 },
    dataPointType,
    isMonotonic: kind === 'counter',
    aggregationTemporality: 1,
    dataPoints: [],
  } as MetricData;
}
