import type { HrTime } from '@opentelemetry/api';
import type { ConfiguredChain } from '../../src/assembly/configured-chains.ts';
import type { RecordFact, SpanFact } from '../../src/model/fact.ts';
import { readRecord } from '../../src/receivers/forwarded-record.ts';
import type { TrueRun } from './captures.ts';

/** What a link of a run does. `misnamed`: the configuration has no such link, which shows in no span. */
export type Act = 'same' | 'new' | 'halt' | 'raise' | 'misnamed';

/** A passage of a vCon through a chain of a Python conserver, with all its luck decided. */
export interface Passage {
  readonly chain: string;
  readonly vcon: string;
  readonly acts: readonly Act[];
  readonly storages: readonly { readonly fails: boolean }[];
  /** Written side by side, by threads that know nothing of the chain span. */
  readonly parallel: boolean;
  /** Milliseconds after the start of the world. */
  readonly start: number;
  /** Whether the span of a chain that failed ever ends. */
  readonly endsAfterFailure: boolean;
  /** Index of the passage that failed before and whose chain span is still current. */
  readonly leakedFrom?: number;
  /** Links in which what was current is collected before the tracers are called: the ids are wrong from then on. */
  readonly collectedIn: readonly number[];
  /** A tracer fails after this link, and so does the link: its span ends in ERROR after the tracers were called. */
  readonly tracerFailsAt?: number;
}

/** What a Python conserver sends of some passages, and what truly happened. */
export interface World {
  readonly spans: readonly SpanFact[];
  readonly records: readonly RecordFact[];
  /** Those of which anything was sent, and of which spans were. */
  readonly heard: readonly TrueRun[];
  readonly heardBySpans: readonly TrueRun[];
  readonly plans: Readonly<Record<string, ConfiguredChain>>;
}

const EPOCH = 1_795_000_000_000_000_000n;

/** @param otel whether the server has OpenTelemetry at all */
export function happenedThere(passages: readonly Passage[], otel = true): World {
  const chainIds = passages.map((_, i) => id(16, i + 1, 1));
  const traces: string[] = [];
  const spans: SpanFact[] = [];
  const sent: { at: number; record: Record<string, unknown> }[] = [];
  const heard: TrueRun[] = [];
  const heardBySpans: TrueRun[] = [];
  const plans: Record<string, ConfiguredChain> = {};
  for (const [i, passage] of passages.entries()) {
    const leaked = passage.leakedFrom;
    traces[i] = (leaked === undefined ? undefined : traces[leaked]) ?? id(32, i + 1, 0);
    const told = new Telling(passage, i, {
      chainId: chainIds[i] ?? '',
      traceId: traces[i] ?? '',
      parentId: leaked === undefined ? undefined : chainIds[leaked],
      // What is current once the run's own spans are not.
      staleId: chainIds[leaked ?? -1],
      staleParentId: chainIds[passages[leaked ?? -1]?.leakedFrom ?? -1],
    });
    spans.push(...told.spans);
    sent.push(...told.sent);
    if (told.spans.length + told.sent.length > 0) heard.push(told.truth);
    if (told.spans.length > 0) heardBySpans.push(told.truth);
    plans[passage.chain] = {
      links: passage.acts.map((_, index) => `l${index}`),
      storages: passage.storages.map((_, index) => `s${index}`),
    };
  }
  const records = sent
    .toSorted((a, b) => a.at - b.at)
    .map(({ record }, seq) => {
      const { trace_id, span_id, root_span_id, chain, ...rest } = record;
      return readRecord({ ...rest, ...(otel && { trace_id, span_id, root_span_id, chain }), seq: seq + 1 });
    });
  return { spans: otel ? spans : [], records, heard, heardBySpans, plans };
}

interface Ids {
  readonly chainId: string;
  readonly traceId: string;
  readonly parentId: string | undefined;
  readonly staleId: string | undefined;
  readonly staleParentId: string | undefined;
}

class Telling {
  readonly spans: SpanFact[] = [];
  readonly sent: { at: number; record: Record<string, unknown> }[] = [];
  readonly truth: TrueRun;
  readonly #passage: Passage;
  readonly #number: number;
  readonly #ids: Ids;
  readonly #events: TrueRun['events'][number][] = [];
  readonly #links: string[];
  #clock: number;
  #uuid: string;

  constructor(passage: Passage, number: number, ids: Ids) {
    this.#passage = passage;
    this.#number = number;
    this.#ids = ids;
    this.#clock = passage.start;
    this.#uuid = passage.vcon;
    this.#links = passage.acts.map((_, index) => `l${index}`);
    const { chainId: rootSpanId } = ids;
    const outcome = this.#pass();
    const { chain, vcon: vconIn } = passage;
    const links = this.#links;
    this.truth = {
      chain,
      rootSpanId,
      vconIn,
      vconOut: this.#uuid,
      links,
      outcome,
      events: this.#events,
    };
  }

  #pass(): TrueRun['outcome'] {
    const { acts, storages } = this.#passage;
    const start = this.#tick();
    this.#event('chain_start', {});
    for (const [index, act] of acts.entries()) {
      if (act === 'misnamed') return this.#failed(start, 'chain_lost');
      const outcome = this.#link(index, act);
      if (outcome === 'error') return this.#failed(start);
      if (outcome === 'halt') return this.#ended(start, 'halted');
    }
    for (const [index, storage] of storages.entries()) this.#storage(index, storage.fails);
    return this.#ended(start, 'complete');
  }

  #link(index: number, act: Act): 'success' | 'halt' | 'error' {
    const before = this.#uuid;
    const start = this.#tick();
    const link = `l${index}`;
    this.#event('link_start', { link, link_index: index });
    if (index === 0) this.#record(-1, before, before, index);
    this.#tick(5);
    const says = act === 'raise' ? undefined : act === 'new' ? `${before}.${index}` : before;
    if (says !== undefined) {
      this.#record(index, says, before, index);
      this.#uuid = says;
    }
    const fails = act === 'raise' || this.#passage.tracerFailsAt === index;
    const end = this.#tick();
    this.#span({
      stage: 'link',
      name: link,
      index,
      spanId: this.#linkId(index),
      parentSpanId: this.#ids.chainId,
      vconUuid: before,
      start,
      end,
      failed: fails,
    });
    if (fails) {
      this.#uuid = before;
      // A tracer that fails it has been called: so were those before.
      const returned = says === undefined ? {} : { uuid_before: before, uuid_after: says };
      this.#event('link_error', { link, link_index: index, ...returned });
      return 'error';
    }
    const outcome = act === 'halt' ? 'halt' : 'success';
    this.#event('link_complete', {
      link,
      link_index: index,
      uuid_before: before,
      uuid_after: this.#uuid,
      outcome,
    });
    return outcome;
  }

  #storage(index: number, fails: boolean): void {
    const storage = `s${index}`;
    const start = this.#tick();
    const end = this.#tick(3);
    const { parallel } = this.#passage;
    this.#span({
      stage: 'storage',
      name: storage,
      spanId: id(16, this.#number + 1, 200 + index),
      ...(parallel
        ? { parentSpanId: undefined, traceId: id(32, this.#number + 1, 300 + index) }
        : { parentSpanId: this.#ids.chainId }),
      vconUuid: this.#uuid,
      start,
      end,
      failed: fails,
    });
    this.#event('storage_start', { storage });
    this.#event(fails ? 'storage_error' : 'storage_complete', { storage });
  }

  /** @param heardAs what can be heard of the end */
  #failed(start: number, heardAs: 'chain_error' | 'chain_lost' = 'chain_error'): 'error' {
    this.#event(heardAs, { outcome: heardAs === 'chain_lost' ? 'unknown' : 'error' });
    const { endsAfterFailure } = this.#passage;
    // Whenever its memory is cleaned up.
    if (endsAfterFailure) this.#chainSpan(start, this.#clock + 8_000, true);
    return 'error';
  }

  #ended<O extends 'complete' | 'halted'>(start: number, outcome: O): O {
    this.#chainSpan(start, this.#tick(), false);
    this.#event('chain_complete', { outcome });
    return outcome;
  }

  #chainSpan(start: number, end: number, undecided: boolean): void {
    const { chainId: spanId, parentId: parentSpanId } = this.#ids;
    const { vcon: vconUuid } = this.#passage;
    this.#span({
      stage: 'chain',
      spanId,
      parentSpanId,
      vconUuid,
      start,
      end,
      failed: false,
      undecided,
      links: undefined,
      queuedBy: [],
    });
  }

  #span(span: { start: number; end: number; failed: boolean; [fact: string]: unknown }): void {
    this.spans.push({
      traceId: this.#ids.traceId,
      chain: this.#passage.chain,
      errorType: span.failed ? 'ValueError' : undefined,
      outcome: undefined,
      outVconUuid: undefined,
      undecided: false,
      inferred: [],
      ...span,
      start: hrTime(span.start),
      end: hrTime(span.end),
    } as unknown as SpanFact);
  }

  /** As the server passes them: the uuid after the link as `in`. */
  #record(index: number, after: string, before: string, inLink: number): void {
    const at = this.#tick();
    const { chainId, traceId, staleId, staleParentId } = this.#ids;
    const isStale = this.#passage.collectedIn.some((link) => link === inLink);
    const ids = isStale
      ? staleId === undefined
        ? {}
        : { trace_id: traceId, span_id: staleId, root_span_id: staleParentId, chain: 'another' }
      : {
          trace_id: traceId,
          span_id: this.#linkId(inLink),
          root_span_id: chainId,
          chain: this.#passage.chain,
        };
    this.sent.push({
      at,
      record: {
        v: 1,
        kind: 'run',
        tracer: 'forwarder',
        in: after,
        out: before,
        links: this.#links,
        index,
        ts: String(EPOCH + BigInt(Math.round(at * 1e6))),
        worker: { host: 'conserver-1', pid: 7 },
        ...ids,
      },
    });
  }

  #event(event: string, facts: object): void {
    this.#events.push({ event, vcon_uuid: this.#uuid, ...facts });
  }

  #linkId(index: number): string {
    return id(16, this.#number + 1, 100 + index);
  }

  /** Lets milliseconds pass. */
  #tick(milliseconds = 0.25): number {
    this.#clock += milliseconds;
    return this.#clock;
  }
}

function id(length: 16 | 32, run: number, what: number): string {
  return `a${run.toString(16).padStart(length - 9, '0')}${what.toString(16).padStart(8, '0')}`;
}

function hrTime(milliseconds: number): HrTime {
  const nanos = EPOCH + BigInt(Math.round(milliseconds * 1e6));
  return [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)];
}
