import { join } from 'node:path';
import protobuf from 'protobufjs';

const PROTO = join(import.meta.dirname, '../../proto');

/** OpenTelemetry's own `.proto` files, read as they are. */
export const OFFICIAL = load('opentelemetry/proto/collector/trace/v1/trace_service.proto');
/** The ones that our code was generated from. */
export const ANSWER = load('vcon-otel/answer.proto');

/** An attribute as OTLP/JSON has it. */
export interface Attribute {
  readonly key: string;
  readonly value: object;
}

/** A span as OTLP/JSON has it. */
export type JsonSpan = Readonly<Record<string, unknown>>;

/** An attribute from a plain value. */
export function attribute(key: string, value: unknown): Attribute {
  return { key, value: anyValue(value) };
}

/** A span of the conserver; what is given replaces or is added to what it has. */
export function conserverSpan(
  name: string,
  attributes: Readonly<Record<string, unknown>> = {},
  fields: JsonSpan = {},
): JsonSpan {
  const all = { vcon_id: '19d7f4b1-1b5e-48ce-b172-fec0285db3ce', chain_name: 'main', ...attributes };
  return {
    traceId: 'fc3f1bba840ff5f9f4fd79364f041ff8',
    spanId: '507e8d56b45f67a8',
    parentSpanId: '642563e5d1be4884',
    name,
    kind: 1,
    startTimeUnixNano: '1795296102973834936',
    endTimeUnixNano: '1795296103003356898',
    attributes: Object.entries(all)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => attribute(key, value)),
    status: {},
    ...fields,
  };
}

/** A request of spans of one scope, in both encodings. */
export function request(spans: readonly JsonSpan[], scope = '__main__'): { json: Buffer; protobuf: Buffer } {
  const message = { resourceSpans: [{ scopeSpans: [{ scope: { name: scope }, spans }] }] };
  return { json: Buffer.from(JSON.stringify(message)), protobuf: encode(message) };
}

/** Encodes OTLP/JSON as OTLP/protobuf, by the official definition. */
export function encode(message: object, name = 'ExportTraceServiceRequest'): Buffer {
  const type = OFFICIAL.lookupType(name);
  return Buffer.from(type.encode(type.fromObject(withBytes(message) as object)).finish());
}

/** A field that holds bytes: a message, for one. */
export function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.from(
    protobuf.Writer.create()
      .uint32((number << 3) | 2)
      .bytes(bytes)
      .finish(),
  );
}

/** Decodes an answer by a type's name. */
export function decodeAnswer(name: string, body: Uint8Array): Record<string, unknown> {
  const root = name === 'Status' ? ANSWER : OFFICIAL;
  const type = root.lookupType(name);
  return type.toObject(type.decode(body), { longs: Number }) as Record<string, unknown>;
}

function load(...files: readonly string[]): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => join(PROTO, target);
  return root.loadSync([...files]);
}

function anyValue(value: unknown): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  return value as object;
}

/** Ids are hex in OTLP/JSON and bytes in protobuf. */
function withBytes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBytes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      /^(traceId|spanId|parentSpanId)$/.test(key) ? Buffer.from(String(item), 'hex') : withBytes(item),
    ]),
  );
}
