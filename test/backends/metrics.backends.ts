import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { COMMITTED, filledIn, panelsOf } from '../deploy/dashboards.ts';
import { metricNamesIn } from '../deploy/promql.ts';
import { ROOT } from '../deploy/stack-files.ts';
import { eventually } from '../support/eventually.ts';
import { command } from './command.ts';
import { type DemoRun, runDemo } from './demo-run.ts';
import { presentPrograms } from './present.ts';
import { A_TURN, PythonWorker, QUEUED, WORKERS } from './python-metrics.ts';
import type { RecordedSpan } from './recorded.ts';
import { type Stack, startStack } from './stack.ts';

const TURNS = 3;
/** Of the demo in a turn: long enough for several exports of metrics. */
const ROUNDS = 3;
const DEMOS = TURNS * ROUNDS;

/** What Prometheus knows after a few demos and a Python conserver's work. */
describe('Prometheus', () => {
  let stack: Stack;
  let without: readonly string[];
  const demos: DemoRun[] = [];
  const spans = () => demos.flatMap((demo) => demo.spans);

  beforeAll(async () => {
    const programs = await presentPrograms();
    ({ without } = programs);
    stack = await startStack(programs);
    const workers = WORKERS.map((instance) => new PythonWorker(stack.otlpGrpc, instance));
    for (let turn = 0; turn < TURNS; turn += 1) {
      await Promise.all(workers.map((worker) => worker.turn()));
      demos.push(await runDemo(stack.otlp, ['--count', String(ROUNDS)]));
    }
    await Promise.all(workers.map((worker) => worker.stop()));
    await eventually(
      'the adapter has heard every run',
      async () => {
        const chains = await stack.prometheus.byLabel(
          'vcon_chain_duration_seconds_count',
          'vcon_chain_outcome',
        );
        return sum(Object.values(chains)) >= 37 * DEMOS || undefined;
      },
      90_000,
    );
    await eventually(
      'the Collector has told of every span',
      async () => sum((await calls()).map(({ value }) => value)) >= spans().length || undefined,
      90_000,
    );
  });
  afterAll(() => stack?.stop());

  const calls = () => stack.prometheus.query('traces_span_metrics_calls_total');

  test('has every run, by its outcome, as the adapter heard it', async () => {
    expect(await stack.prometheus.byLabel('vcon_chain_duration_seconds_count', 'vcon_chain_outcome')).toEqual(
      {
        complete: 33 * DEMOS,
        halted: 3 * DEMOS,
        error: DEMOS,
      },
    );
  });

  test('has every link and storage, by its name', async () => {
    const { prometheus } = stack;
    expect(await prometheus.byLabel('vcon_link_duration_seconds_count', 'vcon_link_name')).toEqual(
      countBy(spans(), 'link_name'),
    );
    expect(await prometheus.byLabel('vcon_storage_duration_seconds_count', 'vcon_storage_name')).toEqual(
      countBy(spans(), 'storage_name'),
    );
  });

  test('has every span once by the Collector’s metrics too, before any is sampled', async () => {
    const seen = Object.fromEntries(
      Object.entries(await stack.prometheus.byLabel('traces_span_metrics_calls_total', 'span_name')),
    );
    const expected: Record<string, number> = {};
    for (const { name } of spans()) expected[name] = (expected[name] ?? 0) + 1;
    expect(seen).toEqual(expected);
    const failed = await stack.prometheus.query(
      'sum(traces_span_metrics_calls_total{status_code="STATUS_CODE_ERROR"})',
    );
    expect(failed[0]?.value).toBe(spans().filter((span) => span.failed).length);
  });

  test('has exemplars that lead to traces', async () => {
    expect(await stack.prometheus.exemplars('traces_span_metrics_duration_seconds_bucket')).toBeGreaterThan(
      0,
    );
  });

  test('adds up what the Python conserver’s workers count, which came over gRPC', async () => {
    const both = WORKERS.length * TURNS;
    const total = async (query: string) => (await stack.prometheus.query(query))[0]?.value;
    expect(await total('sum(conserver_main_loop_count_vcons_received_total)')).toBe(A_TURN.received * both);
    expect(await total('sum(conserver_main_loop_count_vcons_processed_total)')).toBe(A_TURN.processed * both);
    expect(await total('sum(conserver_main_loop_vcon_processing_time_count)')).toBe(A_TURN.processed * both);
    expect(await total('sum(conserver_vcons_inflight)')).toBe(both);
    expect(await total('sum(conserver_dlq_count_total)')).toBe(A_TURN.dlq * both);
    expect(await total('max(conserver_ingress_list_length{kind="ingress"})')).toBe(QUEUED);
  });

  test('has no series for a vCon: what differed in its uuid alone is added up', async () => {
    const tokens = await stack.prometheus.query('conserver_link_openai_tokens_total');
    expect(tokens.map(({ value }) => value)).toEqual(WORKERS.map(() => A_TURN.tokens * TURNS));
    const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;
    for (const name of await stack.prometheus.metricNames()) {
      for (const { labels } of await stack.prometheus.query(name)) {
        // An instance is a process.
        const { instance, collector_instance_id, service_instance_id, ...others } = labels;
        expect([instance, collector_instance_id, service_instance_id]).toHaveLength(3);
        expect(JSON.stringify(others)).not.toMatch(uuid);
        expect(JSON.stringify(others)).not.toContain('somebody');
      }
    }
  });

  test('answers every query of every dashboard', async () => {
    const silent: string[] = [];
    for (const dashboard of COMMITTED)
      for (const { title = '', targets = [] } of panelsOf(dashboard))
        for (const { expr } of targets) {
          if (QUIET.has(title)) continue;
          const samples = await stack.prometheus.query(filledIn(expr, '5m'));
          if (samples.length === 0) silent.push(`${dashboard.title}: ${title}: ${expr}`);
          for (const { value } of samples) if (Number.isNaN(value)) silent.push(`${title} is NaN: ${expr}`);
        }
    expect(silent).toEqual([]);
  });

  test('has evaluated every rule and alert, and has what they ask for', async () => {
    const rules = await stack.prometheus.rules();
    expect(rules.length).toBeGreaterThan(50);
    expect(rules.filter(({ health }) => health === 'err')).toEqual([]);
    // Some are evaluated every few minutes only.
    for (const { query } of rules) await stack.prometheus.query(query);
    const names = new Set(await stack.prometheus.metricNames());
    const asked = new Set(alertQueries().flatMap((query) => metricNamesIn(query)));
    const missing = [...asked].filter(
      (name) => !names.has(name) && !isRecorded(name) && !ONLY_IN_TROUBLE.has(name),
    );
    expect(missing).toEqual([]);
  });

  test('fires no alert but those for what the Python conserver’s workers said', async () => {
    const firing = (await stack.prometheus.query('ALERTS{alertstate="firing"}')).map(
      ({ labels }) => labels.alertname ?? '',
    );
    expect(firing.filter((name) => !name.startsWith('Conserver') && !EXPECTED_ALERTS.has(name))).toEqual([]);
  });

  test('the ledger of the adapter holds every event of every run', async () => {
    const program = join(ROOT, 'bin/vcon-otel.js');
    const verified = await eventually('the ledger is complete', async () => {
      const { stdout } = await command(process.execPath, [
        program,
        'audit',
        'verify',
        stack.ledger,
        '--json',
      ]);
      const { verdict, size } = JSON.parse(stdout) as { verdict: string; size: number };
      return size >= 280 * DEMOS ? { verdict, size } : undefined;
    });
    expect(verified).toEqual({ verdict: 'intact', size: 280 * DEMOS });
  });

  test('the Collector was built with all that its file names, or says what it lacks', () => {
    expect(without.filter((name) => name !== 'service_graph')).toEqual([]);
  });
});

/** Panels that are empty while all is well, or without programs that record spans themselves. */
const QUIET = new Set([
  'Issues of receivers',
  'Issues of the bridge',
  'Spans lost by the Collector',
  'Spans exported',
]);

/** Counters that are not there before they have counted something, and what only a compose stack has. */
const ONLY_IN_TROUBLE = new Set([
  'otelcol_exporter_send_failed_spans_total',
  'otelcol_exporter_enqueue_failed_spans_total',
  'otelcol_exporter_send_failed_metric_points_total',
  'otelcol_exporter_enqueue_failed_metric_points_total',
  'vcon_exporter_spans_total',
]);

/** The demo has a link that fails and a storage that refuses large documents. */
const EXPECTED_ALERTS = new Set(['VconLinkErrors', 'VconStorageErrors']);

function alertQueries(): string[] {
  const folder = join(ROOT, 'deploy/prometheus');
  return readdirSync(folder)
    .filter((file) => file.startsWith('alerts'))
    .flatMap(
      (file) => parse(readFileSync(join(folder, file), 'utf8')).groups as { rules: { expr: string }[] }[],
    )
    .flatMap(({ rules }) => rules.map(({ expr }) => expr));
}

/** By a rule, which may be evaluated every few minutes only. */
function isRecorded(name: string): boolean {
  return name.includes(':');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function countBy(spans: readonly RecordedSpan[], attribute: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { attributes } of spans) {
    const value = attributes.get(attribute);
    if (typeof value === 'string') counts[value] = (counts[value] ?? 0) + 1;
  }
  return counts;
}
