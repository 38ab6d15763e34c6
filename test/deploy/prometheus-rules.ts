import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';

/** Where the files of Prometheus are. */
export const FOLDER = join(import.meta.dirname, '../../deploy/prometheus');

const alert = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().regex(/^[1-9]\d*m$/),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
  annotations: z.strictObject({
    summary: z.string().min(10),
    description: z.string().min(40),
    runbook_url: z.string(),
  }),
});
const recording = z.strictObject({ record: z.string(), expr: z.string() });
const rules = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      interval: z.string().optional(),
      rules: z.array(z.union([alert, recording])),
    }),
  ),
});
const config = z.looseObject({
  rule_files: z.array(z.string()),
  scrape_configs: z.array(z.looseObject({ job_name: z.string() })),
});
const ruleTests = z.looseObject({
  rule_files: z.array(z.string()),
  tests: z.array(
    z.looseObject({
      name: z.string(),
      input_series: z.array(z.strictObject({ series: z.string(), values: z.string() })),
      alert_rule_test: z
        .array(z.looseObject({ alertname: z.string(), exp_alerts: z.array(z.unknown()).optional() }))
        .default([]),
      promql_expr_test: z.array(z.looseObject({ expr: z.string() })).default([]),
    }),
  ),
});

/** An alert, as it is written. */
export type Alert = z.infer<typeof alert>;

/** deploy/prometheus/prometheus.yml. */
export const PROMETHEUS = config.parse(read('prometheus.yml'));

/** The rules in one of its files. */
function rulesOf(file: string): (Alert | z.infer<typeof recording>)[] {
  return rules.parse(read(file)).groups.flatMap((group) => group.rules);
}

const ALL = PROMETHEUS.rule_files.flatMap(rulesOf);
export const ALERTS: readonly Alert[] = ALL.filter((rule) => 'alert' in rule);
export const RECORDED = ALL.filter((rule) => 'record' in rule);

/** promtool's tests of the rules, by their file. */
export const RULE_TESTS = readdirSync(join(FOLDER, 'tests')).map((file) => ({
  file,
  ...ruleTests.parse(read(join('tests', file))),
}));

function read(file: string): unknown {
  return parse(readFileSync(join(FOLDER, file), 'utf8'));
}
