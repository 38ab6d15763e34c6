import { readFileSync } from 'node:fs';

/** A span as it was recorded: what its exporter was handed. */
export interface RecordedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: number;
  readonly failed: boolean;
  readonly links: readonly string[];
  readonly attributes: ReadonlyMap<string, unknown>;
}

/** Reads the spans of a file of OTLP JSON lines. */
export function recordedSpans(file: string): RecordedSpan[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .flatMap((line) => spansOf(JSON.parse(line)));
}

/** Reads the spans of an OTLP request in JSON. */
export function spansOf(request: OtlpRequest): RecordedSpan[] {
  return request.resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map(spanOf)),
  );
}

/** As far as it is looked at. */
export interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly status?: { readonly code?: number };
  readonly links?: readonly { readonly spanId: string }[];
  readonly attributes?: readonly {
    readonly key: string;
    readonly value: Readonly<Record<string, unknown>>;
  }[];
}

function spanOf(span: OtlpSpan): RecordedSpan {
  const { traceId, spanId, parentSpanId, name, kind, status, links = [], attributes = [] } = span;
  return {
    traceId,
    spanId,
    parentSpanId: parentSpanId || undefined,
    name,
    kind,
    failed: status?.code === 2,
    links: links.map((link) => link.spanId),
    attributes: new Map(attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
  };
}
