import { type OtlpRequest, startOtlpServer } from '../exporters/otlp-server.ts';

/** A span as it travels. */
export interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

/** A metric as it travels: its points flattened, whatever its kind. */
export interface OtlpMetric {
  readonly name: string;
  readonly points: readonly OtlpPoint[];
}

export interface OtlpPoint {
  readonly attributes: Readonly<Record<string, string>>;
  /** Of a histogram the number of measurements. */
  readonly value: number;
}

/** Stands in for an OpenTelemetry Collector. Port 0 is a free one. */
export async function startCollector(port = 0) {
  const server = await startOtlpServer(undefined, undefined, port);
  const bodies = (path: string) => server.requests.filter((request) => request.path === path).map(bodyOf);
  return {
    endpoint: server.endpoint,
    port: server.port,
    requests: server.requests,
    /** All spans that have arrived. */
    spans: (): OtlpSpan[] =>
      bodies('/v1/traces').flatMap((body) =>
        listOf(body, 'resourceSpans', 'scopeSpans', 'spans').map((span) => span as unknown as OtlpSpan),
      ),
    /** The metrics of the last export. */
    metrics: (): OtlpMetric[] =>
      listOf(bodies('/v1/metrics').at(-1), 'resourceMetrics', 'scopeMetrics', 'metrics').map(readMetric),
    /** Whom each request speaks of. */
    resources: (): Readonly<Record<string, string>>[] =>
      [...bodies('/v1/traces'), ...bodies('/v1/metrics')].flatMap((body) =>
        [...listOf(body, 'resourceSpans'), ...listOf(body, 'resourceMetrics')].map(({ resource }) =>
          readAttributes((resource as Json).attributes),
        ),
      ),
    close: server.close,
  };
}

type Json = Readonly<Record<string, unknown>>;

function bodyOf({ body }: OtlpRequest): Json {
  return body as Json;
}

/** All items of lists within lists. */
function listOf(body: Json | undefined, ...keys: readonly string[]): Json[] {
  return keys.reduce<Json[]>(
    (parents, key) => parents.flatMap((parent) => (parent[key] as Json[] | undefined) ?? []),
    body ? [body] : [],
  );
}

function readMetric(metric: Json): OtlpMetric {
  const data = (metric.sum ?? metric.gauge ?? metric.histogram) as { dataPoints: Json[] };
  return {
    name: String(metric.name),
    points: data.dataPoints.map((point) => ({
      attributes: readAttributes(point.attributes),
      value: Number(point.asInt ?? point.asDouble ?? point.count),
    })),
  };
}

function readAttributes(attributes: unknown): Record<string, string> {
  const list = (attributes ?? []) as { key: string; value: { stringValue: string } }[];
  return Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue]));
}
