import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';

/**
 * The Prometheus name of a metric as the Collector's exporters would write it (OpenTelemetry specification,
 * Prometheus and OpenMetrics compatibility, "OTLP metric points to Prometheus"): words joined by `_`, then the unit
 * unless a word of the name says it, `_total` on counters, `_ratio` on gauges of unit `1`.
 */
export function prometheusName(metric: MetricData): string {
  const words = metric.descriptor.name.split(/[^a-zA-Z0-9]+/).filter((word) => word !== '');
  for (const unit of unitWords(metric.descriptor.unit)) if (!words.includes(unit)) words.push(unit);
  if (metric.dataPointType === DataPointType.SUM && metric.isMonotonic) return endingWith(words, 'total');
  if (metric.dataPointType === DataPointType.GAUGE && metric.descriptor.unit === '1')
    return endingWith(words, 'ratio');
  return words.join('_');
}

/** The Prometheus spelling of a UCUM unit: `By/s` is `bytes_per_second`, an annotation such as `{run}` is empty. */
export function prometheusUnit(unit: string): string {
  return unitWords(unit).join('_');
}

function unitWords(unit: string): string[] {
  const slash = unit.indexOf('/');
  const main = slash < 0 ? unit : unit.slice(0, slash);
  const per = slash < 0 ? '' : unit.slice(slash + 1);
  const words = [word(main, UNITS), word(per, PER_UNITS, 'per_')];
  return words.filter((text) => text !== '');
}

function word(unit: string, known: ReadonlyMap<string, string>, prefix = ''): string {
  const trimmed = unit.trim();
  if (/[{}]/.test(trimmed)) return '';
  const text = known.get(trimmed) ?? trimmed.replace(/[^a-zA-Z0-9]+/g, '_').replace(/^_|_$/g, '');
  return text === '' ? '' : prefix + text;
}

function endingWith(words: readonly string[], suffix: string): string {
  return [...words.filter((word) => word !== suffix), suffix].join('_');
}

const UNITS: ReadonlyMap<string, string> = new Map([
  ['1', ''],
  ['%', 'percent'],
  ['d', 'days'],
  ['h', 'hours'],
  ['min', 'minutes'],
  ['s', 'seconds'],
  ['ms', 'milliseconds'],
  ['us', 'microseconds'],
  ['ns', 'nanoseconds'],
  ['By', 'bytes'],
  ['KiBy', 'kibibytes'],
  ['MiBy', 'mebibytes'],
  ['GiBy', 'gibibytes'],
  ['kBy', 'kilobytes'],
  ['MBy', 'megabytes'],
  ['GBy', 'gigabytes'],
  ['m', 'meters'],
  ['V', 'volts'],
  ['A', 'amperes'],
  ['J', 'joules'],
  ['W', 'watts'],
  ['g', 'grams'],
  ['Cel', 'celsius'],
  ['Hz', 'hertz'],
]);

const PER_UNITS: ReadonlyMap<string, string> = new Map([
  ['s', 'second'],
  ['m', 'minute'],
  ['h', 'hour'],
  ['d', 'day'],
  ['w', 'week'],
  ['mo', 'month'],
  ['y', 'year'],
]);
