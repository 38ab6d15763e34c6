import type { Resource } from '@opentelemetry/resources';
import type { TracerDefinition } from '../model/tracer.ts';
import type { BoundedSpanProcessor } from './bounded-span-processor.ts';
import { runSpan } from './run-span.ts';

/**
 * Exports the spans of runs that nobody recorded spans of (their events say `span` is inferred). It is a tracer, because
 * what a tracer has not taken is kept, tried again, and survives a restart: it takes a span when that is on the disk. One
 * that is taken twice has the same id.
 */
export function builtSpans(batch: Pick<BoundedSpanProcessor, 'keep'>, resource: Resource): TracerDefinition {
  return {
    create: () => ({
      trace: (_vconUuid, _event, _options, event) =>
        event.phase !== 'start' && event.inferred.includes('span')
          ? batch.keep(runSpan(event, resource))
          : undefined,
    }),
  };
}
