import {
  diag,
  type Histogram,
  type MeterProvider,
  metrics,
  ROOT_CONTEXT,
  SpanStatusCode,
} from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import { errorType } from '../model/error.ts';
import type { Stage } from '../model/event.ts';
import {
  ATTR,
  CONSERVER_ATTR,
  DURATION_BUCKETS,
  METRIC,
  type MetricDescription,
  SCOPE_NAME,
  stageOf,
} from '../model/semconv.ts';
import { ActiveRuns } from './active-runs.ts';
import { OUTCOME_KEY, OutcomeAttributes } from './outcome-attributes.ts';

const log = diag.createComponentLogger({ namespace: 'vcon-otel/exporters' });

/** What code hands to a {@link SpanMetricsProcessor}. */
export interface SpanMetricsSettings {
  /** Where the metrics go, told of to the last; the global one, looked up at the first span of ours, by default. */
  readonly meterProvider?: MeterProvider;
}

/**
 * Makes the metrics of chains, links and storages from their spans (DESIGN §6), sampled or not: durations with
 * their outcome, and the runs under way. One record for each span that ends, none when one starts.
 */
export class SpanMetricsProcessor implements SpanProcessor {
  readonly #meterProvider: MeterProvider;
  readonly #metersHandedIn: boolean;
  readonly #runs = new ActiveRuns();
  readonly #attributes = new OutcomeAttributes();
  #instruments: Instruments | undefined;
  #troubled = false;

  constructor(settings: SpanMetricsSettings = {}) {
    this.#meterProvider = settings.meterProvider ?? metrics;
    this.#metersHandedIn = settings.meterProvider !== undefined;
  }

  onStart(span: ReadableSpan): void {
    try {
      if (stageOf(span.name) !== 'chain') return;
      const chain = chainOf(span);
      if (chain === undefined) return;
      this.#instruments ??= createInstruments(this.#meterProvider, this.#runs);
      this.#runs.begin(span.spanContext().spanId, chain);
    } catch (error) {
      this.#trouble(error);
    }
  }

  onEnd(span: ReadableSpan): void {
    try {
      const stage = stageOf(span.name);
      // Whatever a span that began a run is called by now, its run is over.
      const isStep = stage === 'link' || stage === 'storage';
      const linkError = isStep ? undefined : this.#runs.end(span.spanContext().spanId);
      if (stage !== undefined) this.#record(span, stage, linkError);
    } catch (error) {
      this.#trouble(error);
    }
  }

  async forceFlush(): Promise<void> {}

  /** Forgets the runs under way. Safe twice. */
  async shutdown(): Promise<void> {
    this.#runs.clear();
    // A provider that was handed in ends after this, and its last export is to say that nothing is under way.
    if (!this.#metersHandedIn) this.#instruments?.release();
  }

  #record(span: ReadableSpan, stage: Stage, linkError: string | undefined): void {
    const chain = chainOf(span);
    if (chain === undefined) return;
    const error = errorOf(span, stage) ?? linkError;
    if (stage === 'link' && error !== undefined && span.parentSpanContext)
      this.#runs.linkFailed(span.parentSpanContext.spanId, error);
    const outcome = error === undefined ? goodOutcome(span, stage) : 'error';
    const [seconds, nanoseconds] = span.duration;
    this.#instruments ??= createInstruments(this.#meterProvider, this.#runs);
    this.#instruments[stage].record(
      Math.max(0, seconds + nanoseconds / 1e9),
      this.#attributes.of(chain, stage, span.name, outcome, error),
      ROOT_CONTEXT,
    );
  }

  #trouble(error: unknown): void {
    if (!this.#troubled) log.warn(`metrics of a span could not be made: ${errorType(error)}`);
    this.#troubled = true;
  }
}

type Instruments = Readonly<Record<Stage, Histogram>> & { readonly release: () => void };

function createInstruments(provider: MeterProvider, runs: ActiveRuns): Instruments {
  const meter = provider.getMeter(SCOPE_NAME);
  const duration = ({ name, unit, description }: MetricDescription) =>
    meter.createHistogram(name, {
      unit,
      description,
      advice: { explicitBucketBoundaries: [...DURATION_BUCKETS] },
    });
  // Observed rather than added up: a record costs a microsecond, and each run would need two.
  const { name, unit, description } = METRIC.chainActive;
  const active = meter.createObservableUpDownCounter(name, { unit, description });
  const observe = runs.observe.bind(runs);
  active.addCallback(observe);
  return {
    chain: duration(METRIC.chainDuration),
    link: duration(METRIC.linkDuration),
    storage: duration(METRIC.storageDuration),
    release: () => active.removeCallback(observe),
  };
}

/** The chain of a span of ours, undefined for all others (DESIGN §4, which spans count). */
function chainOf({ attributes }: ReadableSpan): string | undefined {
  const chain = attributes[CONSERVER_ATTR.chainName];
  return typeof chain === 'string' && attributes[CONSERVER_ATTR.vconId] !== undefined ? chain : undefined;
}

function errorOf(span: ReadableSpan, stage: Stage): string | undefined {
  const { attributes, status, events } = span;
  if (status.code !== SpanStatusCode.ERROR && attributes[OUTCOME_KEY[stage]] !== 'error') return undefined;
  const type =
    attributes[ATTR.errorType] ??
    events.find(({ name }) => name === 'exception')?.attributes?.['exception.type'];
  // What other recorders write can be any text: the rule for our own errors keeps it short and plain.
  return typeof type === 'string' ? errorType({ name: type }) : '_OTHER';
}

/** Only what DESIGN §6 lists: an attribute's own text could make any number of series. */
function goodOutcome({ attributes }: ReadableSpan, stage: Stage): string {
  if (stage === 'chain') return attributes[ATTR.chainOutcome] === 'halted' ? 'halted' : 'complete';
  return stage === 'link' && attributes[ATTR.linkOutcome] === 'halt' ? 'halt' : 'success';
}
