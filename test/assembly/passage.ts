import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { RecordFact, SpanFact } from '../../src/model/fact.ts';
import type { StepFacts } from '../../src/model/span-facts.ts';
import { readRecord } from '../../src/receivers/forwarded-record.ts';
import type { Delivery } from './deliveries.ts';

export interface PassageSettings {
  readonly chain?: string;
  readonly links?: readonly string[];
  /** The uuid that enters. */
  readonly vcon?: string;
  /** Tells its ids from those of other passages. */
  readonly number?: number;
  /** Milliseconds after the start of the test's world. */
  readonly start?: number;
  /** Number of the last record that the worker made before. */
  readonly seq?: number;
  readonly pid?: number;
  readonly tracer?: string;
}

type SpanFields = Partial<
  Pick<
    SpanFact,
    'traceId' | 'parentSpanId' | 'vconUuid' | 'failed' | 'undecided' | 'errorType' | 'outcome' | 'outVconUuid'
  >
> & {
  /** Milliseconds after the start of the passage. */
  readonly from?: number;
  readonly to?: number;
  readonly spanId?: string;
};

const EPOCH = 1_795_000_000_000_000_000n;
/** Milliseconds that a link takes, and a storage. */
const STEP = 20;

/** Says by hand what a Python conserver sends of one passage: link i from 10 + 20 i to 25 + 20 i ms, and so on. */
export class Passage {
  readonly chainId: string;
  readonly traceId: string;
  readonly #settings: Required<PassageSettings>;
  #seq: number;
  #storages = 0;

  constructor(settings: PassageSettings = {}) {
    this.#settings = {
      chain: 'main',
      links: ['a', 'b'],
      vcon: 'V',
      number: 1,
      start: 0,
      seq: 0,
      pid: 7,
      tracer: 'forwarder',
      ...settings,
    };
    this.#seq = this.#settings.seq;
    this.chainId = this.#id(16, 0);
    this.traceId = this.#id(32, 0);
  }

  linkId(index: number): string {
    return this.#id(16, 100 + index);
  }

  /** Its span ends OK unless it is said to have failed. */
  chain({
    queuedBy = [],
    ...fields
  }: SpanFields & { readonly queuedBy?: readonly SpanContext[] } = {}): Delivery {
    const own = { spanId: this.chainId, parentSpanId: undefined, vconUuid: this.#settings.vcon };
    return this.#span(
      { from: 0, to: 500, ...own, ...fields },
      { stage: 'chain', links: undefined, queuedBy },
    );
  }

  link(index: number, fields: SpanFields = {}): Delivery {
    const from = 10 + STEP * index;
    return this.#span(
      { spanId: this.linkId(index), from, to: from + 15, vconUuid: this.#settings.vcon, ...fields },
      { stage: 'link', name: this.#settings.links[index] ?? '', index },
    );
  }

  /** One after the other, as often as it is called. */
  storage(name: string, fields: SpanFields = {}): Delivery {
    const from = 10 + STEP * (this.#settings.links.length + this.#storages);
    this.#storages += 1;
    const spanId = this.#id(16, 200 + this.#storages);
    const { vcon: vconUuid } = this.#settings;
    return this.#span({ spanId, from, to: from + 15, vconUuid, ...fields }, { stage: 'storage', name });
  }

  /** A storage that is written in a thread which knows nothing of the chain's span. */
  aside(name: string, fields: SpanFields = {}): Delivery {
    const traceId = this.#id(32, 300 + this.#storages);
    return this.storage(name, { traceId, parentSpanId: undefined, ...fields });
  }

  /** The call of a tracer: `after` is what the link has returned. `wire` replaces what is sent. */
  record(
    index: number,
    before: unknown = this.#settings.vcon,
    after = before,
    wire: Readonly<Record<string, unknown>> = {},
  ): Delivery & { readonly record: RecordFact } {
    const { links, chain, start, pid, tracer } = this.#settings;
    this.#seq += 1;
    const at = start + (index === -1 ? 12 : 24 + STEP * index);
    return {
      record: readRecord({
        v: 1,
        kind: 'run',
        tracer,
        in: after,
        out: before,
        links,
        index,
        ts: String(EPOCH + BigInt(at) * 1_000_000n),
        trace_id: this.traceId,
        span_id: this.linkId(Math.max(index, 0)),
        root_span_id: this.chainId,
        chain,
        worker: { host: 'conserver-1', pid },
        seq: this.#seq,
        ...wire,
      }),
    };
  }

  /** As it is where OpenTelemetry is off. */
  bareRecord(index: number, before?: unknown, after = before): Delivery & { readonly record: RecordFact } {
    return this.record(index, before, after, NO_IDS);
  }

  #span({ from = 0, to = 0, spanId = '', ...fields }: SpanFields, step: StepFacts): Delivery {
    const { chain, start } = this.#settings;
    const span = {
      traceId: this.traceId,
      spanId,
      parentSpanId: this.chainId,
      chain,
      vconUuid: undefined,
      failed: false,
      undecided: false,
      inferred: [],
      vconSha256: undefined,
      errorType: fields.failed && step.stage !== 'chain' ? 'ValueError' : undefined,
      outcome: undefined,
      outVconUuid: undefined,
      ...fields,
      start: hrTime(start + from),
      end: hrTime(start + to),
      ...step,
    };
    return { spans: [span] };
  }

  #id(length: 16 | 32, what: number): string {
    const { number } = this.#settings;
    return `${number.toString(16).padStart(length - 8, 'a')}${what.toString(16).padStart(8, '0')}`;
  }
}

const NO_IDS = { trace_id: undefined, span_id: undefined, root_span_id: undefined, chain: undefined };

/** Milliseconds after the start of the test's world, as they stand on an event. */
export function millis(after: number): number {
  return Number(EPOCH / 1_000_000n) + after;
}

function hrTime(milliseconds: number): HrTime {
  const nanos = EPOCH + BigInt(milliseconds) * 1_000_000n;
  return [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)];
}
