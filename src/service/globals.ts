import {
  context,
  createContextKey,
  createNoopMeter,
  metrics,
  ProxyTracerProvider,
  propagation,
  ROOT_CONTEXT,
  trace,
} from '@opentelemetry/api';
import { VconOtelError } from '../model/error.ts';

/** Those of OpenTelemetry's globals beside tracing that we set up where the application has not. Logs are never ours. */
export interface Globals {
  readonly context: boolean;
  readonly propagation: boolean;
  readonly metrics: boolean;
}

/** Whether a service has this process's globals, or is about to register them. */
let claimed = false;

/**
 * OpenTelemetry's globals take the first SDK that comes and ignore the next: this makes sure that for traces ours is the first, also while
 * another start is under way. {@link disclaimGlobals} undoes it.
 * @returns what the application has set up already, which stays as it is
 * @throws VconOtelError `ALREADY_STARTED`
 */
export function claimGlobals(): Globals {
  const provider = trace.getTracerProvider();
  const nobody = new ProxyTracerProvider().getDelegate();
  if (claimed || !(provider instanceof ProxyTracerProvider) || provider.getDelegate() !== nobody)
    throw new VconOtelError(
      'ALREADY_STARTED',
      'an OpenTelemetry SDK is registered in this process already; add TracerSpanProcessor to its spanProcessors instead',
    );
  claimed = true;
  const probe = ROOT_CONTEXT.setValue(PROBE, true);
  return {
    context: context.with(probe, () => context.active() === probe),
    propagation: propagation.fields().length > 0,
    metrics: metrics.getMeter('') !== createNoopMeter(),
  };
}

const PROBE = createContextKey('vcon-otel');

/** Lets the next service start. */
export function disclaimGlobals(): void {
  claimed = false;
}

/** Takes back what was registered, and leaves the application what is its own. */
export function releaseGlobals(own: Globals): void {
  trace.disable();
  if (!own.metrics) metrics.disable();
  if (!own.context) context.disable();
  if (!own.propagation) propagation.disable();
}

/** What stays the application's, in words; undefined where nothing does. */
export function leftAlone(own: Globals): string | undefined {
  const parts = Object.entries(own).flatMap(([part, set]) => (set ? [part] : []));
  if (parts.length === 0) return undefined;
  return `OpenTelemetry's ${parts.join(', ')} had been set up by the application and stay as they are; traces are vcon-otel's`;
}
