import { deepStrictEqual } from 'node:assert/strict';
import type { Tracer } from '@opentelemetry/api';
import { AlwaysOnSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import type { LoadedTracer } from '../delivery/create-tracer.ts';
import { withDeadline } from '../model/deadline.ts';
import type { ChainEvent } from '../model/event.ts';
import { SCOPE_NAME } from '../model/semconv.ts';
import type { Options, TracerModule } from '../model/tracer.ts';
import type { VconStore } from '../model/vcon.ts';
import { TracerSpanProcessor, type TracerState } from '../service/tracer-span-processor.ts';
import { everyVcon } from './every-vcon.ts';
import { perform, type ScriptedChain } from './scripted-chain.ts';

/** The name that the tracer under test has in its configuration. */
export const TESTED = 'tested';
const WITNESS = 'witness';

/** What a {@link Harness} is made with. */
export interface HarnessSettings {
  readonly module: TracerModule;
  readonly options: Options;
  readonly timeout: number;
  /** Default: every vCon has a small document. */
  readonly vcons?: VconStore;
  /** Other tracers beside the one under test. */
  readonly neighbours?: readonly LoadedTracer[];
}

/**
 * The real bridge in an OpenTelemetry SDK of its own, with the tracer under test and a witness that hears the same events.
 * Nothing is registered globally. Retries are quick, so an outage costs no time.
 */
export class Harness {
  /** What the witness heard, in order. */
  readonly witnessed: ChainEvent[] = [];
  readonly #bridge: TracerSpanProcessor;
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #timeout: number;

  constructor({ module, options, timeout, vcons = everyVcon, neighbours = [] }: HarnessSettings) {
    this.#timeout = timeout;
    const witness = {
      trace: (_uuid: unknown, _event: unknown, _opts: unknown, event: ChainEvent) =>
        void this.witnessed.push(event),
    };
    this.#bridge = new TracerSpanProcessor({
      tracers: [
        {
          name: TESTED,
          module,
          options,
          delivery: {
            timeout,
            retry: { initialInterval: 1, maxInterval: 20 },
            circuitBreaker: { failures: Number.MAX_SAFE_INTEGER },
          },
        },
        ...neighbours,
        { name: WITNESS, module: witness },
      ],
      drainTimeout: timeout,
      vcons,
    });
    this.#provider = new TracerProvider({ spanProcessors: [this.#bridge], sampler: new AlwaysOnSampler() });
    this.#tracer = this.#provider.getTracer(SCOPE_NAME);
  }

  /** Runs chains, all at the same time. */
  async perform(plans: readonly ScriptedChain[]): Promise<void> {
    await Promise.all(plans.map((plan) => perform(plan, this.#tracer)));
  }

  /** The counts of the tracer under test; undefined for a span processor, which gets no events. */
  get state(): TracerState | undefined {
    return this.#bridge.stats().tracers[TESTED];
  }

  /** Waits until a condition holds. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const poll = async () => {
      while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
    };
    await withDeadline(poll(), this.#timeout, what);
  }

  /** Waits until all tracers have heard everything, and asserts that every event was answered well. */
  async delivered(): Promise<void> {
    await this.#bridge.forceFlush();
    const { events, issues } = this.#bridge.stats();
    deepStrictEqual(issues, {}, 'the bridge reported issues');
    await this.neighboursHeard();
    if (!this.state) return;
    const { ok: answered, dead, dropped, pending } = this.state;
    deepStrictEqual(
      { answered, dead, dropped, pending },
      { answered: events, dead: 0, dropped: 0, pending: 0 },
      'events were not answered well',
    );
  }

  /** Waits until the witness has heard everything, whatever the tracer under test does. */
  async neighboursHeard(): Promise<void> {
    const heard = () => this.#bridge.stats().tracers[WITNESS]?.ok === this.#bridge.stats().events;
    await this.until('another tracer, to hear everything', heard);
    deepStrictEqual(
      this.witnessed.length,
      this.#bridge.stats().events,
      'another tracer heard something twice',
    );
  }

  /** Shuts down as an application would. */
  async end(): Promise<void> {
    await this.#provider.shutdown();
  }
}
