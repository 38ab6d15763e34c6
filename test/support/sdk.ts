import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  createAlwaysRecordSampler,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

/** A real SDK, registered globally for the time of a test. */
export interface TestSdk {
  /** The sampled spans that have ended. */
  spans(): readonly ReadableSpan[];
  /** As `NodeSDK.shutdown`, and unregisters. */
  shutdown(): Promise<void>;
}

export function startSdk(processors: readonly SpanProcessor[], sampler?: Sampler): TestSdk {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    spanProcessors: [...processors, new SimpleSpanProcessor({ exporter })],
    ...(sampler ? { sampler: createAlwaysRecordSampler(sampler) } : {}),
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  return {
    spans: () => exporter.getFinishedSpans(),
    shutdown: async () => {
      await provider.shutdown();
      trace.disable();
      context.disable();
      metrics.disable();
    },
  };
}
