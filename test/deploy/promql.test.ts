import { expect, test } from 'vitest';
import { metricNamesIn } from './promql.ts';

test.each([
  [
    'sum by (job) (rate(a_total{b="c"}[5m])) / on(job) group_left max by (job) (d offset 1d)',
    ['a_total', 'd'],
  ],
  ['histogram_quantile(0.95, sum by (le) (rate(a_bucket[5m])))', ['a_bucket']],
  ['vcon_chain:errors:ratio_rate5m > 0.1 unless on() vector(1)', ['vcon_chain:errors:ratio_rate5m']],
  ['max_over_time((a - a offset 5m)[1h:1m])', ['a']],
  ['{"a.name", b="c"}', undefined],
  ['{__name__=~"a.*"}', undefined],
  ['sum(a', undefined],
  ['rate(a[$__rate_interval])', undefined],
  ['a b', undefined],
  [' ', undefined],
])('%s', (query, names) => {
  if (names) expect(metricNamesIn(query)).toEqual(names);
  else expect(() => metricNamesIn(query)).toThrow(SyntaxError);
});
