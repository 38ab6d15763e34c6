import type { HrTime } from '@opentelemetry/api';
import protobuf, { type Reader } from 'protobufjs/minimal.js';
import { SharedTexts } from './texts.ts';
import { NO_TIME } from './wire-span.ts';

const texts = new SharedTexts();

/**
 * Goes through a message of protobuf, field by field, where it is: nothing is copied or made of what nobody asks for, and
 * reading can pause between any two fields. What lies deeper is read in between {@link enter} and {@link leave}.
 * It throws an Error where a message cannot be read.
 */
export class WireReader {
  readonly #reader: Reader;
  readonly #bytes: Buffer;
  #tag = 0;
  /** Fields that may still be looked at. */
  #allowed = Number.POSITIVE_INFINITY;
  #hasMisread = false;

  constructor(message: Uint8Array) {
    this.#bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    this.#reader = protobuf.Reader.create(this.#bytes);
  }

  /** From now on only so many fields are looked at: beyond it, every message seems to end. */
  allow(fields: number): void {
    this.#allowed = fields;
  }

  /** Whether a message seemed to end that did not. */
  get isExhausted(): boolean {
    return this.#allowed < 0;
  }

  /** Bytes that are left of the message. */
  get left(): number {
    return this.#reader.len - this.#reader.pos;
  }

  /** Whether a text was read that is none since this was asked the last time: protobuf has no other texts than UTF-8. */
  hasMisread(): boolean {
    const hasMisread = this.#hasMisread;
    this.#hasMisread = false;
    return hasMisread;
  }

  /** This place, for {@link goBack}. */
  get place(): number {
    return this.#reader.pos;
  }

  /** Goes back to a place in the same message. */
  goBack(place: number): void {
    this.#reader.pos = place;
  }

  /**
   * Goes on to the next field of the message, which is then to be read, entered or skipped.
   * @returns its tag, see {@link bytesField} and the like; 0 at the end
   */
  next(): number {
    const reader = this.#reader;
    if (reader.pos >= reader.len) return 0;
    this.#allowed -= 1;
    if (this.#allowed < 0) return 0;
    this.#tag = this.#varint();
    // Of number 0, none is a field: one of them would look like the end.
    if (this.#tag >>> 3 === 0) throw new Error('a field without a number');
    return this.#tag;
  }

  /** Leaves out the field. */
  skip(): void {
    const wireType = this.#tag & 7;
    // A group would have to be read to its end, and OTLP has no groups.
    if (wireType === START_GROUP) throw new Error('a group');
    this.#reader.skipType(wireType);
  }

  /** Goes into the field, a message: from now on that is what is read. @returns what {@link leave} takes */
  enter(): number {
    const reader = this.#reader;
    const outer = reader.len;
    reader.len = this.#end();
    return outer;
  }

  /** Goes out of a message, wherever in it this is. */
  leave(outer: number): void {
    this.#reader.pos = this.#reader.len;
    this.#reader.len = outer;
  }

  /** A text, made once if it comes often. What is not UTF-8 is read as far as it is, see {@link hasMisread}. */
  text(): string {
    const from = this.#start();
    const text = texts.utf8(this.#bytes, from, this.#reader.pos);
    this.#hasMisread ||= text === undefined;
    return text ?? this.#bytes.toString('utf8', from, this.#reader.pos);
  }

  /** An id in hex. @param isCommon several spans have it: it is made once */
  hex(isCommon: boolean): string {
    const from = this.#start();
    const to = this.#reader.pos;
    return isCommon ? texts.hex(this.#bytes, from, to) : this.#bytes.toString('hex', from, to);
  }

  /** Nanoseconds since the Unix epoch, as a time. */
  time(): HrTime {
    const low = this.fixed32();
    const high = this.fixed32();
    return low === 0 && high === 0 ? NO_TIME : timeOf(low, high);
  }

  fixed32(): number {
    const reader = this.#reader;
    const at = reader.pos;
    if (at + FOUR > reader.len) throw new Error('a message ends too early');
    reader.pos = at + FOUR;
    return this.#bytes.readUInt32LE(at);
  }

  /** A small integer. */
  int32(): number {
    return this.#reader.int32();
  }

  /** An integer, as exactly as a number can be. */
  int64(): number {
    const { low, high } = this.#reader.int64();
    return high * 2 ** 32 + (low >>> 0);
  }

  bool(): boolean {
    return this.#reader.bool();
  }

  double(): number {
    return this.#reader.double();
  }

  /** Goes to the end of bytes. @returns where they begin */
  #start(): number {
    const end = this.#end();
    const start = this.#reader.pos;
    this.#reader.pos = end;
    return start;
  }

  #end(): number {
    const reader = this.#reader;
    // First, since it goes on.
    const length = this.#varint();
    const end = length + reader.pos;
    if (end > reader.len) throw new Error('a message ends too early');
    return end;
  }

  /** A small number, as tags and lengths are: nearly all are one byte. */
  #varint(): number {
    const reader = this.#reader;
    const at = reader.pos;
    const byte = this.#bytes[at] ?? CONTINUES;
    if (byte >= CONTINUES || at >= reader.len) return reader.uint32();
    reader.pos = at + 1;
    return byte;
  }
}

/** A byte from here on is not the last of its number. */
const CONTINUES = 128;
/** Bytes of a fixed number. */
const FOUR = 4;

const VARINT = 0;
const FIXED_64 = 1;
const DELIMITED = 2;
const START_GROUP = 3;
const FIXED_32 = 5;

/** A field of texts, bytes or messages, by its number. */
export function bytesField(number: number): number {
  return (number << 3) | DELIMITED;
}

/** A field of integers, enums or truths. */
export function varintField(number: number): number {
  return (number << 3) | VARINT;
}

/** A field of eight bytes. */
export function fixed64Field(number: number): number {
  return (number << 3) | FIXED_64;
}

/** A field of four bytes. */
export function fixed32Field(number: number): number {
  return (number << 3) | FIXED_32;
}

const SECOND = 1e9;
const HALF = 65_536;

/** Divides 64 bits, the upper two and the lower two quarters one after the other, so that each step is exact in a double. */
function timeOf(low: number, high: number): HrTime {
  const upper = (high % SECOND) * HALF + (low >>> 16);
  const lower = (upper % SECOND) * HALF + (low & 0xffff);
  const seconds = (Math.floor(high / SECOND) * HALF + Math.floor(upper / SECOND)) * HALF;
  return [seconds + Math.floor(lower / SECOND), lower % SECOND];
}
