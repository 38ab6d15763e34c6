import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { unknownMetricsIn } from './known-metrics.ts';
import { ALERTS, FOLDER, PROMETHEUS, RECORDED, RULE_TESTS } from './prometheus-rules.ts';
import { metricNamesIn } from './promql.ts';

const ROOT = join(import.meta.dirname, '../..');
const HANDBOOK = 'docs/operations.md';
const RECORDED_NAMES = RECORDED.map(({ record }) => record);
const CASES = RULE_TESTS.flatMap(({ tests }) => tests);

describe('promtool', () => {
  test('finds the rules well-formed', ({ skip }) => {
    expect(promtool(skip, ['check', 'rules', ...PROMETHEUS.rule_files], FOLDER)).toMatchObject({ status: 0 });
  });

  test.for(RULE_TESTS.map(({ file }) => file))(
    'finds that the rules do what tests/%s says',
    (file, { skip }) => {
      const { status, output } = promtool(skip, ['test', 'rules', file], join(FOLDER, 'tests'));
      expect(status, output).toBe(0);
    },
  );

  test('finds the whole configuration good, where it is of Prometheus 3', ({ skip }) => {
    const version = promtool(skip, ['--version'], FOLDER).output.match(/version (\d+)/)?.[1] ?? 'of its own';
    if (!(Number(version) >= 3)) skip(`promtool ${version} need not know all of it: it takes Prometheus 3`);
    expect(promtool(skip, ['check', 'config', 'prometheus.yml'], FOLDER)).toMatchObject({ status: 0 });
  });
});

describe('rules', () => {
  const named = [
    ...ALERTS.map(({ alert, expr }) => [alert, expr] as const),
    ...RECORDED.map(({ record, expr }) => [record, expr] as const),
  ];

  test.each(named)('%s asks only for metrics that there are', (_name, expr) => {
    expect(unknownMetricsIn(expr)).toEqual([]);
  });

  test('no two have the same name', () => {
    const names = named.map(([name]) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test('what is recorded is named for its level, its metric and what was done, and is tested', () => {
    const asked = CASES.flatMap(({ promql_expr_test }) => promql_expr_test).map(({ expr }) => expr);
    const tested = asked.flatMap(metricNamesIn);
    for (const name of RECORDED_NAMES) {
      expect(name).toMatch(/^[a-z]+:[a-z][a-z0-9_]+:[a-z][a-z0-9_]+$/);
      expect(tested).toContain(name);
    }
  });
});

describe('alerts', () => {
  const handbook = readFileSync(join(ROOT, HANDBOOK), 'utf8');
  const cases = CASES.flatMap(({ alert_rule_test }) => alert_rule_test);
  const names = ALERTS.map(({ alert }) => alert);

  test.each(names)('%s is tested firing and not firing', (alert) => {
    const own = cases.filter(({ alertname }) => alertname === alert);
    const fired = own.map(({ exp_alerts = [] }) => exp_alerts.length > 0);
    expect(new Set(fired)).toEqual(new Set([true, false]));
  });

  test('none is tested that there is not', () => {
    expect(cases.filter(({ alertname }) => !names.includes(alertname))).toEqual([]);
  });

  test('the series that they are tested with are of metrics that there are', () => {
    const series = CASES.flatMap(({ input_series }) => input_series).map(({ series }) => series);
    expect(series.flatMap(unknownMetricsIn)).toEqual([]);
  });

  test('each leads to its own part of the handbook', () => {
    const part = handbook.split(/^## Alerts$/m)[1]?.split(/^## /m)[0] ?? '';
    expect([...part.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading)).toEqual(names);
    for (const { alert, annotations } of ALERTS)
      expect(annotations.runbook_url).toBe(`${HANDBOOK}#${alert.toLowerCase()}`);
  });

  test('the PromQL that the handbook shows asks only for metrics that there are', () => {
    const blocks = [...handbook.matchAll(/^```promql\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
    const queries = blocks.flatMap((block) => block.trimEnd().split('\n'));
    expect(queries.length).toBeGreaterThan(10);
    expect(queries.flatMap(unknownMetricsIn)).toEqual([]);
  });
});

test('Prometheus scrapes what the stack runs', () => {
  const jobs = PROMETHEUS.scrape_configs.map(({ job_name }) => job_name);
  expect(jobs).toEqual(['vcon-otel', 'collector', 'jaeger', 'prometheus', 'tempo']);
});

test('the container gets the configuration and every file of rules', () => {
  const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
  for (const file of ['prometheus.yml', ...PROMETHEUS.rule_files])
    expect(compose).toContain(`- ./deploy/prometheus/${file}:/etc/prometheus/${file}:ro\n`);
});

function promtool(skip: (note?: string) => void, args: readonly string[], cwd: string) {
  const { error, status, stdout, stderr } = spawnSync('promtool', args, { cwd, encoding: 'utf8' });
  if (error) {
    const missing = 'promtool is missing: install the Debian package prometheus';
    if (process.env.CI === 'true') throw new Error(missing);
    skip(missing);
  }
  return { status, output: `${stdout}${stderr}` };
}
