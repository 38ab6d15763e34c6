import { diag } from '@opentelemetry/api';
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  type Resource,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import { alwaysRecord } from '../bridge/always-record.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import type { Globals } from './globals.ts';
import { samplerFor } from './sampler.ts';
import type { ServiceSettings } from './tracing.ts';

/** What spans and metrics say of the service. No process detector: it would put command lines, and with them file names, on every span. */
export function describeService(serviceName: string): Resource {
  // The later wins: what somebody has written down is meant so.
  const detectors = [hostDetector, serviceInstanceIdDetector, envDetector];
  return defaultResource()
    .merge(detectResources({ detectors }))
    .merge(resourceFromAttributes({ 'service.name': serviceName }));
}

/**
 * Makes the SDK that a service registers. Takes OpenTelemetry's diagnostics away from whoever had them.
 * @param own what the application has set up by itself
 */
export function createSdk(
  { environment }: LoadedConfig,
  settings: ServiceSettings,
  resource: Resource,
  spanProcessors: SpanProcessor[],
  own: Globals,
): NodeSDK {
  const { instrumentations } = settings;
  // Its constructor may put a logger of its own in place of ours (OTEL_LOG_LEVEL), with a warning about it.
  diag.disable();
  const sdk = new NodeSDK({
    resource,
    autoDetectResources: false,
    sampler: alwaysRecord(settings.sampler ?? samplerFor(environment.sampler)),
    spanProcessors,
    // Tracers hear what stands on the spans: a limit from the environment must not cut a uuid or drop an outcome.
    spanLimits: { attributeCountLimit: 128, attributeValueLengthLimit: Number.POSITIVE_INFINITY },
    metricReaders: [],
    // Null: none is registered; the types know that of the propagator only.
    ...(own.context && { contextManager: null as never }),
    ...(own.propagation && { textMapPropagator: null }),
    ...(instrumentations && { instrumentations }),
  });
  // It has no option for none: an empty list of processors makes a provider too, which takes the place of the application's, or fails to
  // with an error in its log.
  Object.defineProperty(sdk, 'configureLoggerProviderFromEnv', { value: () => undefined });
  return sdk;
}
