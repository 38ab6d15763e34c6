import type { ClosedRun } from './closed-run.ts';

/*
 *  A closed run in bytes, some sixty of them: flags (8 bits) · when it was closed, from when it was and to when (64 bits each) · how many
 *  uuids (32 bits) · texts: its id, its chain span's id unless that is the same or not known, the name of its chain, uuids.
 *
 *  A text begins with a byte: how many bytes of hexadecimal digits it is (below 128), that it is a uuid in 16 bytes, or that UTF-8
 *  follows, after its length (32 bits). All numbers are little-endian.
 */

const HEADLESS = 1;
const FROM_INSIDE = 2;
const ROOTED = 4;
const ROOT_IS_ID = 8;

const HEAD = 29;
const UUID = 128;
const UTF_8 = 129;
/** Where the groups of a uuid's digits begin, with one character between them. */
const GROUPS = [0, 9, 14, 19, 24];
const UUID_LENGTH = 36;

/** Bytes that there is room for at first. */
const ROOM = 4_096;

/** Closed runs one after the other in one buffer: what is remembered of very many is nothing to the garbage collector. */
export class PackedRuns {
  #bytes = Buffer.allocUnsafe(ROOM);
  #at = 0;
  /** Where each begins. */
  readonly #starts: number[] = [];

  get count(): number {
    return this.#starts.length;
  }

  add(run: ClosedRun): void {
    const { id, rootSpanId, chain, uuids, from, to, at } = run;
    const isOwn = rootSpanId === id;
    const texts =
      rootSpanId === undefined || isOwn ? [id, chain, ...uuids] : [id, rootSpanId, chain, ...uuids];
    this.#makeRoom(texts.reduce((sum, text) => sum + 5 + text.length * 3, HEAD));
    this.#starts.push(this.#at);
    const root = rootSpanId === undefined ? 0 : isOwn ? ROOTED | ROOT_IS_ID : ROOTED;
    const flags = root | (run.isHeadless ? HEADLESS : 0) | (run.isFromInside ? FROM_INSIDE : 0);
    this.#at = this.#bytes.writeUInt8(flags, this.#at);
    for (const time of [at, from, to]) this.#at = this.#bytes.writeDoubleLE(time, this.#at);
    this.#at = this.#bytes.writeUInt32LE(uuids.length, this.#at);
    for (const text of texts) this.#write(text);
  }

  /** One of them, by its number. */
  get(index: number): ClosedRun {
    return new RunReader(this.#bytes, this.#starts[index] ?? this.#at).run();
  }

  /** When one of them was closed. */
  closedAt(index: number): number {
    return this.#bytes.readDoubleLE((this.#starts[index] ?? 0) + 1);
  }

  /** All from one on, as {@link unpackRuns} reads them. They stay as they are, whatever is added. */
  from(index: number): Buffer {
    return this.#bytes.subarray(this.#starts[index] ?? this.#at, this.#at);
  }

  #makeRoom(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.byteLength) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.byteLength * 2, this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }

  #write(text: string): void {
    const bytes = this.#bytes;
    const at = this.#at;
    const isShort = text.length > 0 && text.length < 2 * UUID && text.length % 2 === 0;
    if (isShort && writeDigits(bytes, at + 1, text, 0, text.length)) {
      bytes[at] = text.length / 2;
      this.#at = at + 1 + text.length / 2;
    } else if (writeUuid(bytes, at + 1, text)) {
      bytes[at] = UUID;
      this.#at = at + 17;
    } else {
      const length = bytes.write(text, at + 5);
      bytes[at] = UTF_8;
      this.#at = bytes.writeUInt32LE(length, at + 1) + length;
    }
  }
}

/** Writes a uuid in 16 bytes. @returns whether it is one, in lower case; else what was written says nothing */
function writeUuid(bytes: Buffer, at: number, text: string): boolean {
  if (text.length !== UUID_LENGTH) return false;
  let to = at;
  for (const [group, from] of GROUPS.entries()) {
    const end = (GROUPS[group + 1] ?? UUID_LENGTH + 1) - 1;
    const isGroup = from === 0 || text.charCodeAt(from - 1) === DASH;
    if (!isGroup || !writeDigits(bytes, to, text, from, end)) return false;
    to += (end - from) / 2;
  }
  return true;
}

/** Writes hexadecimal digits, two in a byte. @returns whether they are that, in lower case */
function writeDigits(bytes: Buffer, at: number, text: string, from: number, to: number): boolean {
  for (let i = from, place = at; i < to; i += 2, place += 1) {
    const high = digitOf(text.charCodeAt(i));
    const low = digitOf(text.charCodeAt(i + 1));
    if (high < 0 || low < 0) return false;
    bytes[place] = (high << 4) | low;
  }
  return true;
}

const [ZERO = 0, NINE = 0, A = 0, F = 0, DASH = 0] = Array.from('09af-', (one) => one.charCodeAt(0));

/** @returns -1 where it is none */
function digitOf(code: number): number {
  if (code >= ZERO && code <= NINE) return code - ZERO;
  return code >= A && code <= F ? code - A + 10 : -1;
}

/** Reads what {@link PackedRuns.from} gave. */
export function* unpackRuns(bytes: Buffer): Generator<ClosedRun> {
  const reader = new RunReader(bytes, 0);
  while (reader.hasMore) yield reader.run();
}

class RunReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get hasMore(): boolean {
    return this.#at < this.#bytes.byteLength;
  }

  run(): ClosedRun {
    const start = this.#at;
    const flags = this.#bytes.readUInt8(start);
    const [at, from, to] = [1, 9, 17].map((offset) => this.#bytes.readDoubleLE(start + offset));
    const count = this.#bytes.readUInt32LE(start + 25);
    this.#at = start + HEAD;
    const id = this.#text();
    const rootSpanId = flags & ROOT_IS_ID ? id : flags & ROOTED ? this.#text() : undefined;
    const chain = this.#text();
    const uuids = Array.from({ length: count }, () => this.#text());
    const known = { id, rootSpanId, chain, uuids, from: from ?? 0, to: to ?? 0, at: at ?? 0 };
    return { ...known, isHeadless: (flags & HEADLESS) > 0, isFromInside: (flags & FROM_INSIDE) > 0 };
  }

  #text(): string {
    const kind = this.#bytes.readUInt8(this.#at);
    this.#at += 1;
    if (kind === UTF_8) {
      const length = this.#bytes.readUInt32LE(this.#at);
      this.#at += 4;
      return this.#next(length).toString();
    }
    if (kind !== UUID) return this.#next(kind).toString('hex');
    const digits = this.#next(16).toString('hex');
    return [0, 8, 12, 16, 20].map((from, i, all) => digits.slice(from, all[i + 1])).join('-');
  }

  #next(length: number): Buffer {
    const from = this.#at;
    this.#at += length;
    return this.#bytes.subarray(from, this.#at);
  }
}
