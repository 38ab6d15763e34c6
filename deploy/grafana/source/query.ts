/** The window that Grafana takes for a rate: never shorter than four scrapes. */
const WINDOW = '$__rate_interval';

/** A metric with its label matchers, e.g. `up{job="collector"}`. */
export function series(metric: string, ...matchers: readonly string[]): string {
  return matchers.length === 0 ? metric : `${metric}{${matchers.join(',')}}`;
}

/** Events a second, by labels. */
export function perSecond(counter: string, by: readonly string[] = []): string {
  return `${sum(by)} (rate(${counter}[${WINDOW}]))`;
}

/** How many in the last hour, by labels. */
export function inLastHour(counter: string, by: readonly string[] = []): string {
  return `${sum(by)} (increase(${counter}[1h]))`;
}

/** A part of a whole, 0 where there is none of it and nothing where there is no whole: never NaN. */
export function share(part: string, whole: string): string {
  return `(${part} or 0 * ${whole}) / (${whole} > 0)`;
}

/** A quantile of a histogram, by labels; nothing, and not NaN, while nothing happens. @param histogram without `_bucket`, with its matchers */
export function quantile(
  q: number,
  metric: string,
  matchers: readonly string[],
  by: readonly string[],
): string {
  return `histogram_quantile(${q}, ${perSecond(series(`${metric}_bucket`, ...matchers), ['le', ...by])}) >= 0`;
}

/** The mean of what a histogram has seen, for those whose buckets say nothing. */
export function mean(metric: string, matchers: readonly string[], by: readonly string[]): string {
  const rate = (part: string) => perSecond(series(`${metric}_${part}`, ...matchers), by);
  return `${rate('sum')} / (${rate('count')} > 0)`;
}

function sum(by: readonly string[]): string {
  return by.length === 0 ? 'sum' : `sum by (${by.join(', ')})`;
}
