import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { OFFICIAL } from '../test/support/otlp-request.ts';
import { uuidOf } from './measure.ts';

/** The chain that runs here pass, as a configuration has it. */
export const CHAIN = {
  name: 'main',
  links: ['transcribe', 'diarize', 'analyze', 'tag', 'summarize'],
  storages: ['postgres', 's3'],
} as const;

/** Of each run: spans, facts from inside the server, and the calls that a tracer hears. */
export const SPANS_PER_RUN = 1 + CHAIN.links.length + CHAIN.storages.length;
export const FACTS_PER_RUN = 2 + 2 * SPANS_PER_RUN + 2 * CHAIN.links.length + 1;
const RUN_CALLS = CHAIN.links.length + 2;
export const CALLS_PER_RUN = 2 * SPANS_PER_RUN + RUN_CALLS;

/** Spans of one request. */
export const SPANS_PER_REQUEST = 512;
/** Runs whose spans are mixed: what a busy conserver has under way. */
const UNDER_WAY = 32;
/** Milliseconds of each step. */
const STEP = 20;

/** A span as protobufjs encodes it. */
type WireSpan = Readonly<Record<string, unknown>>;

/** A passage of a vCon through {@link CHAIN} on a Python conserver. */
class LoadedRun {
  readonly vcon: string;
  readonly traceId = randomBytes(16);
  readonly chainSpan = randomBytes(8);

  constructor(number: number) {
    this.vcon = uuidOf(number);
  }

  /** Its spans in the order in which they end. */
  spans(now: number): WireSpan[] {
    const at = (step: number) => now + step * STEP;
    const last = at(CHAIN.links.length);
    return [
      ...CHAIN.links.map((link, index) =>
        this.#span(`link.${link}`, randomBytes(8), at(index), at(index + 1), {
          link_name: link,
          link_index: index,
        }),
      ),
      ...CHAIN.storages.map((storage) =>
        this.#span(`storage.${storage}`, randomBytes(8), last, last + 1, { storage_name: storage }),
      ),
      this.#span(`vcon_processing.${CHAIN.name}`, this.chainSpan, now - 1, last + 1, {}),
    ];
  }

  #span(name: string, spanId: Buffer, start: number, end: number, attributes: object): WireSpan {
    const isChain = spanId === this.chainSpan;
    return {
      traceId: this.traceId,
      spanId,
      ...(!isChain && { parentSpanId: this.chainSpan }),
      name,
      kind: 1,
      startTimeUnixNano: start * 1e6,
      endTimeUnixNano: end * 1e6,
      attributes: attributesOf({ vcon_id: this.vcon, chain_name: CHAIN.name, ...attributes }),
      // OK, as the server marks the span of a chain that went well.
      status: { code: isChain ? 1 : 0 },
    };
  }
}

/** Spans of runs, mixed as those of runs that are under way side by side, each run's in order. */
export function* mixedSpans(runs: number, first: number): Generator<WireSpan, void, undefined> {
  const now = Date.now();
  let begun = 0;
  const begin = () => new LoadedRun(first + begun++).spans(now);
  const underWay: WireSpan[][] = [];
  while (begun < Math.min(runs, UNDER_WAY)) underWay.push(begin());
  while (underWay.length > 0) {
    const place = Math.floor(Math.random() * underWay.length);
    const spans = underWay[place] ?? [];
    const span = spans.shift();
    if (span) yield span;
    if (spans.length > 0) continue;
    if (begun < runs) underWay[place] = begin();
    else underWay.splice(place, 1);
  }
}

/** Bodies of requests, packed. @param others spans of the Redis client for each of the conserver's */
export function bodiesOf(spans: Iterable<WireSpan>, others = 0): Buffer[] {
  const bodies: Buffer[] = [];
  const perRequest = SPANS_PER_REQUEST / (1 + others);
  let some: WireSpan[] = [];
  for (const span of spans) {
    if (some.push(span) < perRequest) continue;
    bodies.push(packed(some, others));
    some = [];
  }
  if (some.length > 0) bodies.push(packed(some, others));
  return bodies;
}

/** The body of one request. */
function packed(spans: readonly WireSpan[], others = 0): Buffer {
  const scopeSpans = [{ scope: { name: '__main__' }, spans }];
  const rest = spans.flatMap((span) => Array.from({ length: others }, () => redisSpan(span)));
  if (others > 0) scopeSpans.push({ scope: { name: 'opentelemetry.instrumentation.redis' }, spans: rest });
  const resource = {
    attributes: attributesOf({ 'service.name': 'conserver', 'telemetry.sdk.language': 'python' }),
  };
  const message = { resourceSpans: [{ resource, scopeSpans }] };
  return gzipSync(REQUEST.encode(REQUEST.create(message)).finish());
}

const REQUEST = OFFICIAL.lookupType('ExportTraceServiceRequest');

/** What the Redis instrumentation records of a command that a step sends. */
function redisSpan({ traceId, spanId, startTimeUnixNano, endTimeUnixNano }: WireSpan): WireSpan {
  const statement = 'JSON.GET ? ?';
  return {
    traceId,
    spanId: randomBytes(8),
    parentSpanId: spanId,
    name: 'JSON.GET',
    kind: 3,
    startTimeUnixNano,
    endTimeUnixNano,
    attributes: attributesOf({
      'db.statement': statement,
      'db.system': 'redis',
      'db.redis.database_index': 0,
      'net.peer.name': 'redis',
      'net.peer.port': 6379,
      'net.transport': 'ip_tcp',
      'db.redis.args_length': 3,
    }),
    status: { code: 0 },
  };
}

function attributesOf(values: object): object[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: value } : { stringValue: value },
  }));
}
