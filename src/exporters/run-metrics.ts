import { diag, type MeterProvider } from '@opentelemetry/api';
import { errorType } from '../model/error.ts';
import type { Stage } from '../model/event.ts';
import type { Run, RunObserver, RunStep } from '../model/run.ts';
import { METRIC, SCOPE_NAME } from '../model/semconv.ts';
import { ActiveRuns } from './active-runs.ts';
import { type Durations, InstrumentDurations } from './durations.ts';
import type { IsConfigured } from './outcome-sets.ts';

const log = diag.createComponentLogger({ namespace: 'vcon-otel/exporters' });

/**
 * Makes the metrics of chains, links and storages (DESIGN §6): durations with their outcome, and the runs under way. One
 * record for each run and step that ends, none when one begins. Never throws.
 */
export class RunMetrics implements RunObserver {
  readonly #meterProvider: MeterProvider;
  readonly #isConfigured: IsConfigured;
  readonly #runs: ActiveRuns;
  #durations: Durations | undefined;
  #release: (() => void) | undefined;
  #troubled = false;

  /**
   * @param meterProvider is asked for the instruments when there is something to measure
   * @param isConfigured what always has series of its own; of anything else, only so many have
   * @param durations take the durations in place of instruments
   */
  constructor(meterProvider: MeterProvider, isConfigured: IsConfigured, durations?: Durations) {
    this.#meterProvider = meterProvider;
    this.#isConfigured = isConfigured;
    this.#runs = new ActiveRuns(isConfigured);
    this.#durations = durations;
  }

  began({ chain }: Pick<Run, 'chain'>): void {
    try {
      this.#release ??= observe(this.#runs, this.#meterProvider);
      this.#runs.begin(chain);
    } catch (error) {
      this.#trouble(error);
    }
  }

  stepEnded({ chain }: Run, step: RunStep): void {
    this.measure(chain, step.stage, step.name, step);
  }

  ended(run: Run): void {
    this.#runs.end(run.chain);
    this.measure(run.chain, 'chain', run.chain, run);
  }

  abandoned({ chain }: Pick<Run, 'chain'>): void {
    this.#runs.end(chain);
  }

  /** Stops being asked. */
  release(): void {
    this.#release?.();
  }

  /** Records a chain, or a step, that has ended, whether its run is known or not. */
  measure(
    chain: string,
    stage: Stage,
    name: string,
    {
      duration = 0,
      outcome = 'unknown',
      errorType: error,
    }: Pick<Run | RunStep, 'duration' | 'outcome' | 'errorType'>,
  ): void {
    try {
      this.#release ??= observe(this.#runs, this.#meterProvider);
      this.#durations ??= new InstrumentDurations(this.#meterProvider, this.#isConfigured);
      this.#durations.record({ stage, chain, name, outcome, errorType: error }, Math.max(0, duration));
    } catch (error) {
      this.#trouble(error);
    }
  }

  #trouble(error: unknown): void {
    if (!this.#troubled) log.warn(`metrics of a span could not be made: ${errorType(error)}`);
    this.#troubled = true;
  }
}

/**
 * Observed rather than added up: a record costs a microsecond, and each run would need two.
 * @returns what ends it
 */
function observe(runs: ActiveRuns, provider: MeterProvider): () => void {
  const { name, unit, description } = METRIC.chainActive;
  const active = provider.getMeter(SCOPE_NAME).createObservableUpDownCounter(name, { unit, description });
  const callback = runs.observe.bind(runs);
  active.addCallback(callback);
  return () => active.removeCallback(callback);
}
