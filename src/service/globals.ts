import { context, logs, metrics, ProxyTracerProvider, propagation, trace } from '@opentelemetry/api';
import { VconOtelError } from '../model/error.ts';

/** Whether a service has this process's globals, or is about to register them. */
let claimed = false;

/**
 * OpenTelemetry's globals take the first SDK that comes and ignore the next: this makes sure that ours is the first,
 * also while another start is under way. {@link disclaimGlobals} undoes it.
 * @throws VconOtelError `ALREADY_STARTED`
 */
export function claimGlobals(): void {
  const provider = trace.getTracerProvider();
  const nobody = new ProxyTracerProvider().getDelegate();
  if (claimed || !(provider instanceof ProxyTracerProvider) || provider.getDelegate() !== nobody)
    throw new VconOtelError(
      'ALREADY_STARTED',
      'an OpenTelemetry SDK is registered in this process already; add TracerSpanProcessor to its spanProcessors instead',
    );
  claimed = true;
}

/** Lets the next service start. */
export function disclaimGlobals(): void {
  claimed = false;
}

/** Takes back what was registered. */
export function releaseGlobals(): void {
  trace.disable();
  metrics.disable();
  logs.disable();
  context.disable();
  propagation.disable();
}
