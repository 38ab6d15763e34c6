import { isObject, objectsOf, textOf } from './otlp-json.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * The traces that Jaeger's UI and its query API give (`{"data": [{traceID, spans, processes}]}`), as OTLP has them; undefined for anything
 * else. What cannot be read is left for the reader of OTLP to count.
 */
export function fromJaeger(value: Json): Json | undefined {
  const traces = objectsOf(value.data);
  if (traces.length === 0 || !traces.every(({ spans }) => Array.isArray(spans))) return undefined;
  return {
    resourceSpans: traces.flatMap(({ spans, processes }) =>
      objectsOf(spans).map((span) => {
        const process = isObject(processes) ? processes[String(span.processID)] : undefined;
        const tags = objectsOf(span.tags);
        const scope = tagOf(tags, 'otel.scope.name') ?? tagOf(tags, 'otel.library.name');
        return {
          resource: { attributes: attributesOf(objectsOf(isObject(process) ? process.tags : undefined)) },
          scopeSpans: [{ scope: { name: scope }, spans: [spanOf(span, tags)] }],
        };
      }),
    ),
  };
}

function spanOf(span: Json, tags: readonly Json[]): Json {
  const references = objectsOf(span.references);
  const parent = references.find(({ refType }) => refType === 'CHILD_OF');
  const start = micros(span.startTime);
  const duration = micros(span.duration);
  const status = tagOf(tags, 'otel.status_code') ?? (tagOf(tags, 'error') === true ? 'ERROR' : 'UNSET');
  return {
    traceId: padded(span.traceID, 32),
    spanId: padded(span.spanID, 16),
    ...(parent && { parentSpanId: padded(parent.spanID, 16) }),
    name: span.operationName,
    ...(start !== undefined && {
      startTimeUnixNano: String(start),
      endTimeUnixNano: String(start + (duration ?? 0n)),
    }),
    attributes: attributesOf(tags),
    status: { code: status },
    events: objectsOf(span.logs).map(({ fields }) => ({
      name: tagOf(objectsOf(fields), 'event'),
      attributes: attributesOf(objectsOf(fields)),
    })),
    links: references
      .filter((reference) => reference !== parent)
      .map(({ traceID, spanID }) => ({ traceId: padded(traceID, 32), spanId: padded(spanID, 16) })),
  };
}

/** Leading zeros are left out by some versions. */
function padded(id: unknown, length: number): string | undefined {
  return textOf(id)?.padStart(length, '0');
}

function micros(value: unknown): bigint | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? BigInt(value) * 1_000n
    : undefined;
}

function tagOf(tags: readonly Json[], wanted: string): unknown {
  return tags.find(({ key }) => key === wanted)?.value;
}

function attributesOf(tags: readonly Json[]): Json[] {
  return tags.map(({ key, value }) => ({ key, value: anyValue(value) }));
}

function anyValue(value: unknown): Json {
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return { doubleValue: value };
  return textList(value) ?? { stringValue: value };
}

/** Jaeger keeps a list of texts as the text of its JSON. */
function textList(value: unknown): Json | undefined {
  if (typeof value !== 'string' || !/^\[("|\])/.test(value)) return undefined;
  try {
    const list: unknown = JSON.parse(value);
    if (!Array.isArray(list) || !list.every((item) => typeof item === 'string')) return undefined;
    return { arrayValue: { values: list.map((stringValue) => ({ stringValue })) } };
  } catch {
    return undefined;
  }
}
