import type { MeterProvider } from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import type { z } from 'zod';
import type { ChainEvent, EventName } from './event.ts';
import type { Finding } from './finding.ts';
import type { VconStore } from './vcon.ts';

/** A tracer's own options, defaults merged in. */
export type Options = Readonly<Record<string, unknown>>;

/** What the documented signatures lack, as the last argument of every call: the event itself. */
export type EventContext = ChainEvent;

/**
 * The conserver's documented tracer interface. Leave out what you do not need. A call may return a
 * promise; the next call of the same run waits for it, other runs do not.
 */
export interface ConserverTracer {
  /**
   * One of the nine events of a vCon's passage through a chain. Throwing or rejecting is a failure: the call is made again,
   * unless what is thrown says that it is `permanent` (see `DeliveryError`).
   */
  trace?(vconUuid: string, event: EventName, opts: Options, context: EventContext): unknown;
  /**
   * Called before the first link (`linkIndex` -1), after each link that ended well (its index) and at chain
   * completion (`links.length`). `inVconUuid` entered the step, `outVconUuid` left it. Throwing or rejecting is a failure
   * as above; returning `false` is counted as one, and the call is not made again unless `delivery.retryFalse` says so.
   */
  run?(
    inVconUuid: string,
    outVconUuid: string,
    tracerName: string,
    links: readonly string[],
    linkIndex: number,
    opts: Options,
    context: EventContext,
  ): unknown;
  /** Hands on what is buffered. */
  forceFlush?(): Promise<void>;
  /** Releases what the tracer holds. Called once, after its last event. */
  shutdown?(): Promise<void>;
}

/** What code hands to a tracer (options are what the user wrote). */
export interface TracerSettings {
  /** The tracer's name in the configuration. */
  readonly name: string;
  /** Where the tracer may look up vCons. */
  readonly vcons: VconStore;
  /** Where metrics of the tracer's own go; absent where nobody wants them. */
  readonly meterProvider?: MeterProvider;
}

/** What code hands to a tracer that looks whether all is there. */
export interface ProbeSettings {
  /** The tracer's name in the configuration. */
  readonly name: string;
  /** Milliseconds that the look may take. */
  readonly timeout: number;
}

/** A tracer as a module: its options and how it is made. */
export interface TracerDefinition<Schema extends z.ZodType = z.ZodType> {
  /** The options it takes; absent means none are checked. Use `z.strictObject` so that typing errors are found. */
  readonly options?: Schema;
  /** False: no `run` call at chain completion. */
  readonly completion?: boolean;
  /**
   * True: its trail must have no gaps, so a failed call is made again without a limit of time, unless `delivery.retry` of
   * its configuration says otherwise.
   */
  readonly audit?: boolean;
  /**
   * Makes the tracer, at once (not async). May throw: starting fails loudly. A `SpanProcessor` is registered as it is: it
   * sees every span, whatever a chain's `tracers` say, and no chain can wait for it.
   */
  create(options: z.output<Schema>, settings: TracerSettings): ConserverTracer | SpanProcessor;
  /**
   * For `vcon-otel doctor`: looks whether what the tracer depends on (a service, a database, a folder) is there and lets it
   * in. The tracer is not made for it, perhaps it runs elsewhere at this moment: nothing may be changed, taken or kept open.
   * What it throws is told by its type alone.
   */
  probe?(options: z.output<Schema>, settings: ProbeSettings): Promise<readonly Finding[]>;
}

/**
 * A module that simply exports the conserver's documented functions. `default_options` are merged under
 * the options of the configuration.
 */
export interface ConserverModule extends ConserverTracer {
  readonly default_options?: Options;
}

/** Anything that can stand as a tracer's `module`. */
export type TracerModule = TracerDefinition | ConserverModule;

/** Types a tracer definition; it is the default export of a tracer's module. */
export function defineTracer<Schema extends z.ZodType>(
  definition: TracerDefinition<Schema>,
): TracerDefinition<Schema> {
  return definition;
}
