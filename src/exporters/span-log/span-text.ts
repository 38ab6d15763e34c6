import { type Attributes, createTraceState, type SpanContext } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/** Spans as a text. What is found out of their resources later on is waited for. */
export async function textOfSpans(spans: readonly ReadableSpan[]): Promise<string> {
  const resources = [...new Set(spans.map(({ resource }) => resource))];
  for (const resource of resources)
    if (resource.asyncAttributesPending) await resource.waitForAsyncAttributes?.();
  return JSON.stringify({
    resources: resources.map(({ attributes, schemaUrl }) => ({ attributes, schemaUrl })),
    spans: spans.map((span) => recordOf(span, resources.indexOf(span.resource))),
  } satisfies SpanText);
}

/** The spans of a text, for an exporter the same as those that it was made of. */
export function spansOfText(text: string): ReadableSpan[] {
  const { resources, spans } = JSON.parse(text) as SpanText;
  const known = resources.map(({ attributes, schemaUrl }) =>
    resourceFromAttributes(attributes, schemaUrl === undefined ? {} : { schemaUrl }),
  );
  return spans.map(({ context, parent, links, resource, ...span }) => {
    const spanContext = contextOf(context);
    const of = known[resource];
    if (!of) throw new Error('a span without its resource');
    return {
      ...span,
      ...(parent && { parentSpanContext: contextOf(parent) }),
      links: links.map(({ context: linked, ...link }) => ({ ...link, context: contextOf(linked) })),
      spanContext: () => spanContext,
      ended: true,
      resource: of,
    };
  });
}

interface SpanText {
  readonly resources: readonly ResourceRecord[];
  readonly spans: readonly SpanRecord[];
}

interface ResourceRecord {
  readonly attributes: Attributes;
  readonly schemaUrl: string | undefined;
}

type SpanRecord = Omit<ReadableSpan, 'spanContext' | 'parentSpanContext' | 'links' | 'resource' | 'ended'> & {
  readonly context: ContextRecord;
  readonly parent?: ContextRecord | undefined;
  readonly links: readonly (Omit<ReadableSpan['links'][number], 'context'> & {
    readonly context: ContextRecord;
  })[];
  /** Its place in the list. */
  readonly resource: number;
};

type ContextRecord = Omit<SpanContext, 'traceState'> & { readonly traceState?: string | undefined };

/** Field by field: a span of the SDK has more, that is not for others. */
function recordOf(span: ReadableSpan, resource: number): SpanRecord {
  return {
    name: span.name,
    kind: span.kind,
    context: contextRecord(span.spanContext()),
    parent: span.parentSpanContext && contextRecord(span.parentSpanContext),
    startTime: span.startTime,
    endTime: span.endTime,
    duration: span.duration,
    status: span.status,
    attributes: span.attributes,
    links: span.links.map(({ context, ...link }) => ({ ...link, context: contextRecord(context) })),
    events: span.events,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
    resource,
  };
}

function contextRecord({ traceState, ...context }: SpanContext): ContextRecord {
  return { ...context, traceState: traceState?.serialize() };
}

function contextOf({ traceState, ...context }: ContextRecord): SpanContext {
  return { ...context, ...(traceState !== undefined && { traceState: createTraceState(traceState) }) };
}
