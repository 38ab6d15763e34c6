import type { MeterProvider } from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import type { z } from 'zod';
import type { Component } from './component.ts';
import type { ChainEvent, EventName } from './event.ts';
import type { VconLookup } from './vcon.ts';

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
   * Beside `trace`, for a tracer that does several at once for less: called in its place where events of different runs are
   * ready at the same time, at most one of each run. All are answered when the promise resolves, but for those whose item is
   * rejected where it resolves to what `Promise.allSettled` makes of them, in their order. An event that was not answered comes
   * again alone, by `trace`; throwing or rejecting says so of all.
   */
  traceBatch?(events: readonly EventContext[], opts: Options): unknown;
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

/** A tracer that wants the spans themselves. */
export type SpanTracer = SpanProcessor;

/** What code hands to a tracer (options are what the user wrote). */
export interface TracerSettings {
  /** The tracer's name in the configuration. */
  readonly name: string;
  /** Where the tracer may look up vCons. */
  readonly vcons: VconLookup;
  /** Where metrics of the tracer's own go; absent where nobody wants them. */
  readonly meterProvider?: MeterProvider;
}

/**
 * A tracer as a module: its options and how it is made.
 *
 * `create` makes the tracer at once (not async). A `SpanProcessor` is registered as it is: it sees every span, whatever a
 * chain's `tracers` say, and no chain can wait for it.
 */
export interface TracerDefinition<Schema extends z.ZodType = z.ZodType>
  extends Component<Schema, TracerSettings, ConserverTracer | SpanTracer> {
  /** False: no `run` call at chain completion. */
  readonly completion?: boolean;
  /** Whether it looks up documents (`vcons`) with these options: then an empty vCon store is a fault. Absent: it does not. */
  readsVcons?(options: z.output<Schema>): boolean;
  /**
   * True: its trail must have no gaps, so a failed call is made again without a limit of time, unless `delivery.retry` of
   * its configuration says otherwise.
   */
  readonly audit?: boolean;
  /** The directory of the ledger that it keeps: operators' commands leave word there of what they did. */
  ledger?(options: z.output<Schema>): string;
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
