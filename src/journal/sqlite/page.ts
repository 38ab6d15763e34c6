import { crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { SpanContext } from '@opentelemetry/api';
import { frozenEvent } from '../../model/chain-event.ts';
import type { ChainEvent } from '../../model/event.ts';
import { type Shape, Shapes, Texts } from './page-vocabulary.ts';

/*
 *  A page: events that are stored together, as bytes in the order of this machine.
 *
 *    head     crc of all that follows · 1 if that is packed · number of events · length of the texts in bytes
 *    columns  of all events: time, duration (NaN: none); which shape and texts each one has
 *    texts    JSON: the texts that occur, the shapes, and the lists of links
 *
 *  A shape is what events of different runs have in common, so a page has few.
 */

type Written = readonly [
  texts: readonly string[],
  shapes: readonly Shape[],
  lists?: readonly (readonly string[])[],
];

/** Bytes of the head; columns of eight bytes and of two. */
const HEAD = 16;
const WIDE = 2;
const NARROW = 7;

/** Writes events as a page: 10,000 at most, since their texts are numbered in two bytes. */
export function pageOf(events: readonly ChainEvent[]): Uint8Array<ArrayBuffer> {
  const count = events.length;
  const texts = new Texts();
  const shapes = new Shapes();
  const wide = new Float64Array(WIDE * count);
  const narrow = new Uint16Array(NARROW * count);
  const [runs, entering, traces, spans] = [texts.column(), texts.column(), texts.column(), texts.column()];
  for (let i = 0; i < count; i += 1) {
    const event = events[i] as ChainEvent;
    const { inVconUuid, outVconUuid, spanContext, vconSha256 } = event;
    wide[i] = event.time;
    wide[count + i] = event.duration ?? Number.NaN;
    const at = NARROW * i;
    const before = entering.numberOf(inVconUuid);
    narrow[at] = shapes.numberOf(event);
    narrow[at + 1] = runs.numberOf(event.runId);
    narrow[at + 2] = before;
    narrow[at + 3] = outVconUuid === inVconUuid ? before : texts.numberOf(outVconUuid);
    narrow[at + 4] = traces.numberOf(spanContext.traceId);
    narrow[at + 5] = spans.numberOf(spanContext.spanId);
    narrow[at + 6] = vconSha256 === undefined ? 0 : 1 + texts.numberOf(vconSha256);
  }
  const json = Buffer.from(JSON.stringify([texts.all, shapes.all, shapes.lists.all]));
  const bytes = new Uint8Array(HEAD + wide.byteLength + narrow.byteLength + json.byteLength);
  new Uint32Array(bytes.buffer, 0, HEAD / 4).set([0, 0, count, json.byteLength]);
  bytes.set(new Uint8Array(wide.buffer), HEAD);
  bytes.set(new Uint8Array(narrow.buffer), HEAD + wide.byteLength);
  bytes.set(json, HEAD + wide.byteLength + narrow.byteLength);
  return sealed(bytes);
}

/** The same page, smaller: for one that is seldom read. */
export function packed(page: Uint8Array): Uint8Array<ArrayBuffer> {
  const rest = zstdCompressSync(page.subarray(HEAD));
  const bytes = new Uint8Array(HEAD + rest.byteLength);
  bytes.set(page.subarray(0, HEAD));
  bytes.set(rest, HEAD);
  new Uint32Array(bytes.buffer, 0, HEAD / 4)[1] = 1;
  return sealed(bytes);
}

function sealed(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  new Uint32Array(bytes.buffer, 0, 1)[0] = crc32(bytes.subarray(4));
  return bytes;
}

/** Reads a page. */
export class Page {
  readonly count: number;
  readonly #wide: Float64Array;
  readonly #narrow: Uint16Array;
  readonly #texts: readonly string[];
  readonly #shapes: readonly Shape[];
  readonly #lists: readonly (readonly string[])[];

  /** @throws Error if these bytes are not what was written */
  constructor(bytes: Uint8Array) {
    if (bytes.byteLength < HEAD) throw new Error('a page is cut off');
    const [crc, isPacked, count = 0, length = 0] = new Uint32Array(bytes.slice(0, HEAD).buffer);
    if (crc !== crc32(bytes.subarray(4))) throw new Error('a page is not as it was written');
    const stored = bytes.subarray(HEAD);
    // At the beginning of a buffer of its own, so that the columns can be read where they are.
    const rest = Uint8Array.from(isPacked === 1 ? zstdDecompressSync(stored) : stored);
    this.count = count;
    this.#wide = new Float64Array(rest.buffer, 0, WIDE * count);
    this.#narrow = new Uint16Array(rest.buffer, this.#wide.byteLength, NARROW * count);
    const json = Buffer.from(rest.buffer, this.#wide.byteLength + this.#narrow.byteLength, length);
    const [texts, shapes, lists = []] = JSON.parse(json.toString()) as Written;
    this.#texts = texts;
    this.#shapes = shapes;
    this.#lists = lists;
    for (const list of lists) Object.freeze(list);
    for (const [, , , , links, , , , , , , inferred] of shapes) {
      Object.freeze(links);
      Object.freeze(inferred);
    }
  }

  time(index: number): number {
    return this.#wide[index] ?? 0;
  }

  runId(index: number): string {
    return this.#text(NARROW * index + 1);
  }

  /** What follows the run's id in the event's. */
  step(index: number): string {
    return this.#shape(index)[0];
  }

  /** Whether a text occurs in it: a uuid, the id of a run. */
  says(text: string): boolean {
    return this.#texts.includes(text);
  }

  /** The uuids before and after the step. */
  uuids(index: number): readonly [string, string] {
    return [this.#text(NARROW * index + 2), this.#text(NARROW * index + 3)];
  }

  event(index: number): ChainEvent {
    const [step, stage, phase, chain, links, link, linkIndex, storage, outcome, errorType, ...more] =
      this.#shape(index);
    const [calls, inferred, traceFlags, sender] = more;
    const at = NARROW * index;
    const duration = this.#wide[this.count + index] ?? Number.NaN;
    const hash = this.#narrow[at + 6] ?? 0;
    const spanContext: SpanContext = Object.freeze({
      traceId: this.#text(at + 4),
      spanId: this.#text(at + 5),
      traceFlags,
    });
    const runId = this.#text(at + 1);
    return frozenEvent({
      eventId: `${runId}/${step}`,
      runId,
      stage,
      phase,
      chain,
      links: typeof links === 'number' ? (this.#lists[links] ?? []) : links,
      link: link ?? undefined,
      linkIndex: linkIndex ?? undefined,
      storage: storage ?? undefined,
      inVconUuid: this.#text(at + 2),
      outVconUuid: this.#text(at + 3),
      outcome: outcome ?? undefined,
      errorType: errorType ?? undefined,
      time: this.time(index),
      duration: Number.isNaN(duration) ? undefined : duration,
      spanContext,
      vconSha256: hash === 0 ? undefined : this.#texts[hash - 1],
      calls: calls ?? undefined,
      sender: sender ?? undefined,
      inferred,
    });
  }

  #text(at: number): string {
    return this.#texts[this.#narrow[at] ?? 0] ?? '';
  }

  #shape(index: number): Shape {
    return this.#shapes[this.#narrow[NARROW * index] ?? 0] as Shape;
  }
}
