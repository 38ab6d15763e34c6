import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import { hrTime } from '@opentelemetry/core';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type HistogramMetricData,
  type ScopeMetrics,
} from '@opentelemetry/sdk-metrics';
import type { Stage } from '../model/event.ts';
import { DURATION_BUCKETS, SCOPE_NAME } from '../model/semconv.ts';
import { DURATION_METRICS, type Durations } from './durations.ts';
import {
  type Ended,
  type IsConfigured,
  OutcomeSets,
  type OutcomeSetsSettings,
  OVERFLOW,
} from './outcome-sets.ts';

/**
 * Histograms that are counted here: an instrument of the SDK makes a JSON text of the attributes for each record, which takes
 * over a microsecond. Names, buckets and attributes are those that the SDK would show.
 */
export class OwnDurations implements Durations {
  readonly #stages: Readonly<Record<Stage, Cells>>;
  readonly #start = hrTime();

  constructor(isConfigured: IsConfigured, elapsed: () => number = () => performance.now()) {
    const cells = () => new Cells({ isConfigured, elapsed });
    this.#stages = { chain: cells(), link: cells(), storage: cells() };
  }

  record(ended: Ended, seconds: number): void {
    this.#stages[ended.stage].of(ended).add(seconds);
  }

  /** What a reader sees of them, as it asks for it: everything so far, or what has come since it looked last. */
  view(temporality: AggregationTemporality): () => ScopeMetrics {
    const isDelta = temporality === AggregationTemporality.DELTA;
    let before = new Map<Cell, Count>();
    let since = this.#start;
    return () => {
      const now = hrTime();
      const seen = new Map<Cell, Count>();
      const metrics = Object.entries(this.#stages).flatMap(([stage, cells]) => {
        const points = [...cells].flatMap((cell) => {
          const value = cell.since(isDelta ? before.get(cell) : undefined);
          if (isDelta) seen.set(cell, cell.count());
          return value.count > 0 ? [point(cell.attributes, value, since, now)] : [];
        });
        return points.length > 0 ? [metric(stage as Stage, points, temporality)] : [];
      });
      before = seen;
      if (isDelta) since = now;
      return { scope: { name: SCOPE_NAME }, metrics };
    };
  }
}

/** One for each set of attributes, and one for all that are too many. */
class Cells {
  readonly #sets: OutcomeSets<Cell>;
  #others: Cell | undefined;

  constructor(settings: OutcomeSetsSettings) {
    this.#sets = new OutcomeSets((attributes) => new Cell(attributes), settings);
  }

  of(ended: Ended): Cell {
    const cell = this.#sets.of(ended);
    if (cell) return cell;
    this.#others ??= new Cell(OVERFLOW);
    return this.#others;
  }

  *[Symbol.iterator](): Iterator<Cell> {
    yield* this.#sets;
    if (this.#others) yield this.#others;
  }
}

/** What a cell had counted at a time. */
interface Count {
  readonly counts: readonly number[];
  readonly sum: number;
}

class Cell {
  readonly attributes: Attributes;
  readonly #counts = new Array<number>(DURATION_BUCKETS.length + 1).fill(0);
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  constructor(attributes: Attributes) {
    this.attributes = attributes;
  }

  add(seconds: number): void {
    let bucket = 0;
    while (seconds > (DURATION_BUCKETS[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += seconds;
    if (seconds < this.#min) this.#min = seconds;
    if (seconds > this.#max) this.#max = seconds;
  }

  count(): Count {
    return { counts: [...this.#counts], sum: this.#sum };
  }

  /** @param before what it had counted then; of what came since, nobody knows the least and the most */
  since(before: Count | undefined): Histogram {
    const counts = this.#counts.map((count, bucket) => count - (before?.counts[bucket] ?? 0));
    return {
      buckets: { boundaries: [...DURATION_BUCKETS], counts },
      count: counts.reduce((sum, count) => sum + count),
      sum: this.#sum - (before?.sum ?? 0),
      ...(before === undefined && { min: this.#min, max: this.#max }),
    };
  }
}

function point(
  attributes: Attributes,
  value: Histogram,
  startTime: HrTime,
  endTime: HrTime,
): DataPoint<Histogram> {
  return { attributes, value, startTime, endTime };
}

function metric(
  stage: Stage,
  dataPoints: DataPoint<Histogram>[],
  aggregationTemporality: AggregationTemporality,
): HistogramMetricData {
  const { name, unit, description } = DURATION_METRICS[stage];
  return {
    descriptor: { name, unit, description, valueType: ValueType.DOUBLE },
    aggregationTemporality,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints,
  };
}
