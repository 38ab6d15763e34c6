import { crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { SpanContext } from '@opentelemetry/api';
import { frozenEvent } from '../../model/chain-event.ts';
import type { ChainEvent } from '../../model/event.ts';

/*
 *  A page: events that are stored together, as bytes in the order of this machine.
 *
 *    head     crc of all that follows · 1 if that is packed · number of events · length of the texts in bytes
 *    columns  of all events: time, duration (NaN: none); which shape and texts each one has
 *    texts    JSON: the texts that occur, the shapes, and the lists of links
 *
 *  A shape is what events of different runs have in common, so a page has few.
 */

/** What an event shares with those of other runs; `step` is what follows the run's id in its own. */
type Shape = readonly [
  step: string,
  stage: ChainEvent['stage'],
  phase: ChainEvent['phase'],
  chain: string,
  /** The number of the list; in pages that were written before lists were kept once, the list itself. */
  links: number | readonly string[],
  link: string | null,
  linkIndex: number | null,
  storage: string | null,
  outcome: Exclude<ChainEvent['outcome'], undefined> | null,
  errorType: string | null,
  calls: Exclude<ChainEvent['calls'], undefined> | null,
  inferred: readonly string[],
  traceFlags: number,
  /** Pages that were written before events had one end here. */
  sender?: string | null,
];

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

/** The texts of a page, each once. */
class Texts {
  readonly all: string[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.all.length);
    return this.all.push(text) - 1;
  }

  column(): Column {
    return new Column(this);
  }
}

/** Texts of one column: neighbours often have the same one, that of a run or of a step, and it is looked up once. */
class Column {
  readonly #texts: Texts;
  #last: string | undefined;
  #number = 0;

  constructor(texts: Texts) {
    this.#texts = texts;
  }

  numberOf(text: string): number {
    if (text !== this.#last) {
      this.#last = text;
      this.#number = this.#texts.numberOf(text);
    }
    return this.#number;
  }
}

/** The lists of links of a page, each once: as long as they may be, they are in the shape of every step of theirs. */
class Lists {
  readonly all: (readonly string[])[] = [];
  readonly #numbers = new Map<readonly string[] | string, number>();

  numberOf(list: readonly string[]): number {
    const known = this.#numbers.get(list);
    if (known !== undefined) return known;
    const text = JSON.stringify(list);
    const number = this.#numbers.get(text) ?? this.all.push(list) - 1;
    this.#numbers.set(list, number).set(text, number);
    return number;
  }
}

/** The shapes of a page, each once. */
class Shapes {
  readonly all: Shape[] = [];
  readonly lists = new Lists();
  readonly #numbers = new Map<string, number[]>();
  /** What came last, and what came after each: events of a run come one after the other, and runs are alike. */
  #last = 0;
  readonly #next: number[] = [];

  numberOf(event: ChainEvent): number {
    const list = this.lists.numberOf(event.links);
    const expected = this.#next[this.#last];
    const isExpected = expected !== undefined && fits(this.all[expected] as Shape, event, list);
    const number = isExpected ? expected : this.#find(event, list);
    this.#next[this.#last] = number;
    this.#last = number;
    return number;
  }

  #find(event: ChainEvent, list: number): number {
    const step = event.eventId.slice(event.runId.length + 1);
    const candidates = this.#numbers.get(step);
    const known = candidates?.find((number) => fits(this.all[number] as Shape, event, list));
    if (known !== undefined) return known;
    const { stage, phase, chain, link, linkIndex, storage, outcome, errorType, calls } = event;
    const number =
      this.all.push([
        step,
        stage,
        phase,
        chain,
        list,
        link ?? null,
        linkIndex ?? null,
        storage ?? null,
        outcome ?? null,
        errorType ?? null,
        calls ?? null,
        event.inferred,
        event.spanContext.traceFlags,
        event.sender ?? null,
      ]) - 1;
    if (candidates) candidates.push(number);
    else this.#numbers.set(step, [number]);
    return number;
  }
}

function fits(shape: Shape, event: ChainEvent, list: number): boolean {
  // By their places: taking the list apart would make an iterator for every event.
  return (
    shape[2] === event.phase &&
    shape[1] === event.stage &&
    shape[3] === event.chain &&
    shape[4] === list &&
    (shape[5] ?? undefined) === event.link &&
    (shape[6] ?? undefined) === event.linkIndex &&
    (shape[7] ?? undefined) === event.storage &&
    (shape[8] ?? undefined) === event.outcome &&
    (shape[9] ?? undefined) === event.errorType &&
    (shape[10] ?? undefined) === event.calls &&
    isSame(shape[11], event.inferred) &&
    shape[12] === event.spanContext.traceFlags &&
    (shape[13] ?? undefined) === event.sender &&
    event.eventId.length === event.runId.length + 1 + shape[0].length &&
    event.eventId.endsWith(shape[0])
  );
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  if (some === others) return true;
  return some.length === others.length && some.every((one, index) => one === others[index]);
}
