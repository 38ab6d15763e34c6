import { type Attributes, type HrTime, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { Batches } from '../model/batches.ts';
import { VconOtelError } from '../model/error.ts';
import type { ChainEvent } from '../model/event.ts';
import { ATTR, CONSERVER_ATTR, SCOPE_NAME, spanName } from '../model/semconv.ts';
import type { TracerDefinition } from '../model/tracer.ts';

/** Spans in one export. */
const MAX_BATCH = 512;
const MAX_WAITING = 10_000;

/**
 * Exports the spans of runs that nobody recorded spans of (their events say `span` is inferred). It is a tracer, because
 * what a tracer has not taken is kept, tried again, and survives a restart: no span is lost, and one that is sent twice has
 * the same id.
 */
export function builtSpans(exporter: SpanExporter, resource: Resource): TracerDefinition {
  return {
    create: () => {
      const batches = new Batches<ReadableSpan>({
        write: async (spans) => {
          // What is found out of the host is there a moment after the start.
          if (resource.asyncAttributesPending) await resource.waitForAsyncAttributes?.();
          await exportAll(exporter, [...spans]);
        },
        maxBatch: MAX_BATCH,
        maxWaiting: MAX_WAITING,
      });
      return {
        trace: (_vconUuid, _event, _options, event) =>
          event.phase !== 'start' && event.inferred.includes('span')
            ? batches.add(spanOf(event, resource))
            : undefined,
        forceFlush: () => batches.flush(),
        async shutdown() {
          await batches.close();
          await exporter.shutdown();
        },
      };
    },
  };
}

function exportAll(exporter: SpanExporter, spans: ReadableSpan[]): Promise<void> {
  return new Promise((resolve, reject) =>
    exporter.export(spans, ({ code, error }) => {
      if (code === ExportResultCode.SUCCESS) resolve();
      else reject(error ?? new VconOtelError('TRACER_FAILED', 'spans could not be exported'));
    }),
  );
}

/** The span of a step, or of the chain, that has ended. */
function spanOf(event: ChainEvent, resource: Resource): ReadableSpan {
  const { stage, time, duration = 0, spanContext, runId, phase } = event;
  const failed = phase === 'error';
  return {
    name: spanName(stage, event.link ?? event.storage ?? event.chain),
    kind: stage === 'storage' ? SpanKind.CLIENT : SpanKind.INTERNAL,
    spanContext: () => spanContext,
    ...(stage === 'chain' ? {} : { parentSpanContext: { ...spanContext, spanId: runId } }),
    startTime: toHrTime(time - duration * 1e3),
    endTime: toHrTime(time),
    duration: toHrTime(duration * 1e3),
    status: failed
      ? { code: SpanStatusCode.ERROR, message: `${stage} failed: ${event.errorType}` }
      : { code: SpanStatusCode.UNSET },
    attributes: attributesOf(event),
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: SCOPE_NAME },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** As the recorder of live spans has them. */
function attributesOf(event: ChainEvent): Attributes {
  const { stage, chain, inVconUuid, outVconUuid, link, linkIndex, storage, outcome, errorType } = event;
  const attributes: Attributes = {
    [CONSERVER_ATTR.vconId]: inVconUuid,
    [CONSERVER_ATTR.chainName]: chain,
    [ATTR.vconUuid]: inVconUuid,
    [ATTR.chainName]: chain,
    [ATTR.vconOutUuid]: outVconUuid,
    [ATTR.inferred]: [...event.inferred],
  };
  if (stage === 'chain') attributes[ATTR.chainLinks] = [...event.links];
  if (stage === 'chain' && outcome !== undefined) attributes[ATTR.chainOutcome] = outcome;
  if (link !== undefined) attributes[CONSERVER_ATTR.linkName] = attributes[ATTR.linkName] = link;
  if (linkIndex !== undefined) attributes[CONSERVER_ATTR.linkIndex] = attributes[ATTR.linkIndex] = linkIndex;
  if (stage === 'link' && outcome !== undefined) attributes[ATTR.linkOutcome] = outcome;
  if (storage !== undefined) {
    attributes[CONSERVER_ATTR.storageName] = attributes[ATTR.storageName] = storage;
    attributes[ATTR.peerService] = storage;
  }
  if (errorType !== undefined) attributes[ATTR.errorType] = errorType;
  return attributes;
}

/** @param milliseconds since the Unix epoch, or of a duration */
function toHrTime(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1e3);
  return [seconds, Math.round((milliseconds - seconds * 1e3) * 1e6)];
}
