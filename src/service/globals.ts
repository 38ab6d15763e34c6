import { context, metrics, ProxyTracerProvider, propagation, trace } from '@opentelemetry/api';
import { VconOtelError } from '../model/error.ts';

/**
 * OpenTelemetry's globals take the first SDK that comes and ignore the next.
 * @throws VconOtelError `ALREADY_STARTED`
 */
export function requireNoSdk(): void {
  const provider = trace.getTracerProvider();
  const nobody = new ProxyTracerProvider().getDelegate();
  if (provider instanceof ProxyTracerProvider && provider.getDelegate() === nobody) return;
  throw new VconOtelError(
    'ALREADY_STARTED',
    'an OpenTelemetry SDK is registered in this process already; add TracerSpanProcessor to its spanProcessors instead',
  );
}

/** Makes room for another SDK in this process. */
export function releaseGlobals(): void {
  trace.disable();
  metrics.disable();
  context.disable();
  propagation.disable();
}
