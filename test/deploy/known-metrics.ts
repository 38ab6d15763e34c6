import { METRIC_NAMES } from '../../deploy/metric-names.ts';
import { RECORDED } from './prometheus-rules.ts';
import { metricNamesIn } from './promql.ts';

/** Every name that a query may ask for: a histogram has three series and none of its own name. */
const KNOWN: ReadonlySet<string> = new Set([
  ...Object.values(METRIC_NAMES).flatMap(({ histograms, counters, gauges }) => [
    ...histograms.flatMap((name) => ['_bucket', '_sum', '_count'].map((suffix) => name + suffix)),
    ...counters,
    ...gauges,
  ]),
  ...RECORDED.map(({ record }) => record),
]);

/**
 * The metrics of a query that nobody makes: neither in deploy/metric-names.ts nor recorded by a rule. Throws where it is
 * not PromQL.
 */
export function unknownMetricsIn(query: string): string[] {
  return metricNamesIn(query).filter((name) => !KNOWN.has(name));
}
