import { join } from 'node:path';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { longestWait } from '../../model/back-off.ts';
import type { Clock } from '../../model/clock.ts';
import { errorType, VconOtelError } from '../../model/error.ts';
import { ThrottledLog } from '../../model/throttled-log.ts';
import { DurableFile } from '../../persistence/durable-file.ts';
import type { FileLock } from '../../persistence/file-lock.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import type { DropReason } from '../loss-log.ts';
import { LineReader } from './line-reader.ts';
import { LOCK, ownLock } from './own-lock.ts';
import { type Place, PlaceFile, placeOf } from './place.ts';
import { type SpanSegment, segmentPath, segmentsOf, textOfLine, writtenLine } from './segment.ts';
import type { Settled } from './settled.ts';
import { spansOfText, textOfSpans } from './span-text.ts';

/** What a {@link SpanLog} is made of. */
export interface SpanLogSettings {
  /** Of this log alone; made where it is missing. */
  readonly folder: string;
  /** Milliseconds that spans are kept at most. */
  readonly retention: number;
  /** Bytes that it may take. */
  readonly maxSize: number;
  readonly clock: Clock;
}

/** A span of a log, with its number. */
export type NumberedSpan = readonly [number: number, span: ReadableSpan];

/** Milliseconds that the first span of a line waits for others, as events do. */
const LINGER = 2;
/** Spans in a line, and that are read at once. */
export const LINE = 512;
/** Bytes of a segment from which on another one is begun: what is settled is removed by the segment. */
const SEGMENT = 4_194_304;
/** Milliseconds between two tries to write. */
const PAUSES = { initialInterval: 100, maxInterval: 5_000 };

/**
 * Spans on the disk until an exporter has sent them: an append-only log with one reader, which has a place of its own. They
 * are numbered as they come. What is older than the retention, or has no room, is given up, oldest first.
 */
export class SpanLog {
  /** Is told how many spans were given up, or could not be read. */
  dropped: (spans: number, why: DropReason) => void = () => {};
  readonly #settings: SpanLogSettings;
  readonly #lock: FileLock;
  readonly #log = new ThrottledLog('vcon-otel/exporters');
  readonly #settled: Settled;
  readonly #reader = new LineReader();
  readonly #place: PlaceFile;
  /** The last one is being written, if `#file` is there. */
  readonly #segments: SpanSegment[];
  /** When spans were written, now and then: number and time. */
  #marks: (readonly [first: number, time: number])[];
  #file: DurableFile | undefined;
  /** The number of the next span. */
  #next: number;
  /** Everything below has been read. */
  #cursor: number;
  /** The newest ones. */
  #unwritten: ReadableSpan[] = [];
  #writing: Promise<void> | undefined;
  #isClosed = false;
  #wake = () => {};

  /** @throws VconOtelError `FILE_UNUSABLE`, `JOURNAL_IN_USE` */
  static async open(settings: SpanLogSettings): Promise<SpanLog> {
    const { folder } = settings;
    let lock: FileLock | undefined;
    try {
      makeFolder(folder);
      lock = await ownLock(join(folder, LOCK), settings.clock);
      return new SpanLog(settings, lock, await placeOf(folder));
    } catch (cause) {
      lock?.release();
      if (cause instanceof VconOtelError) throw cause;
      const why = errorType(cause);
      throw new VconOtelError('FILE_UNUSABLE', `spans cannot be kept in ${folder}: ${why}`, { cause });
    }
  }

  private constructor(settings: SpanLogSettings, lock: FileLock, { settled, end, marks, isLost }: Place) {
    this.#settings = settings;
    this.#lock = lock;
    this.#settled = settled;
    this.#segments = segmentsOf(settings.folder);
    this.#marks = [...marks];
    this.#place = new PlaceFile(settings.folder);
    this.#next = end;
    this.#cursor = settled.position;
    if (isLost) this.#log.warn('place', 'the place in a log of spans is gone: some may be sent once more');
    this.#place.settled(settled, end);
  }

  /** Spans that are not settled. */
  get depth(): number {
    return this.#settled.open([0, this.#next]);
  }

  /** Of these, spans that were not read. */
  get unread(): number {
    return this.#next - this.#cursor;
  }

  /** Spans that are not on the disk yet. */
  get unwritten(): number {
    return this.#unwritten.length;
  }

  /** The age in seconds of the oldest span that is not settled; 0 if there is none. */
  get oldestAge(): number {
    if (this.depth === 0) return 0;
    const later = this.#marks.findIndex(([first]) => first > this.#settled.position);
    if (later > 1) this.#marks.splice(0, later - 1);
    const [mark] = this.#marks;
    return mark ? Math.max(0, this.#settings.clock.now() - mark[1]) / 1e3 : 0;
  }

  /** The number after the newest span on the disk. */
  get #onDisk(): number {
    return this.#next - this.#unwritten.length;
  }

  /** Takes a span that has ended. @returns its number */
  add(span: ReadableSpan): number {
    this.#unwritten.push(span);
    this.#writing ??= context.with(suppressTracing(ROOT_CONTEXT), () => this.#write());
    return this.#next++;
  }

  /** Whoever has added the newest span does not have to read it, if it has read all before. */
  passOver(): void {
    if (this.unread === 1) this.#cursor = this.#next;
  }

  /** Resolves when everything that was added is on the disk, or the log is closed. */
  async durable(): Promise<void> {
    const until = this.#next;
    while (this.#writing && this.#onDisk < until) await this.#writing;
  }

  /** Reads on; one call at a time. @returns none if there are none. @throws the system's error */
  async read(): Promise<readonly NumberedSpan[]> {
    for (let found = await this.#readOn(); found; found = await this.#readOn()) {
      const open = found.filter(([number]) => !this.#settled.has(number));
      if (open.length > 0) return open;
    }
    return [];
  }

  /** These spans are needed no more. */
  settle(numbers: readonly number[]): void {
    this.#settled.addAll(numbers);
    context.with(suppressTracing(ROOT_CONTEXT), () => {
      this.#place.settled(this.#settled, this.#onDisk);
      this.#tidy();
    });
  }

  /** Writes what can be written. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake();
    await this.#writing;
    await this.#file?.close();
    this.#place.close();
    this.#lock.release();
  }

  async #write(): Promise<void> {
    await this.#pause(LINGER);
    for (let failures = 0; this.#unwritten.length > 0; ) {
      const spans = this.#unwritten.slice(0, LINE);
      try {
        await this.#writeLine(spans);
        this.#unwritten.splice(0, spans.length);
        failures = 0;
      } catch (error) {
        this.#log.warn(
          'unwritable',
          `spans cannot be kept on the disk (${errorType(error)}): they are in memory`,
        );
        // What became of it nobody knows: the next try is in a segment of its own.
        this.#file = undefined;
        if (this.#isClosed) break;
        failures += 1;
        await this.#pause(longestWait(PAUSES, failures));
      }
    }
    this.#writing = undefined;
  }

  async #writeLine(spans: readonly ReadableSpan[]): Promise<void> {
    const first = this.#onDisk;
    const text = await textOfSpans(spans);
    const now = this.#settings.clock.now();
    const line = await writtenLine(first, spans.length, now, text);
    const file = this.#fileFor(first, now);
    await file.append(line);
    this.#place.written(this.#settled, first + spans.length);
    const written = this.#segments.pop();
    if (written) this.#segments.push({ ...written, size: file.end, newest: now });
    if (now - (this.#marks.at(-1)?.[1] ?? 0) >= 1e3) this.#marks.push([first, now]);
    this.#tidy();
  }

  #fileFor(first: number, now: number): DurableFile {
    const { folder, retention, maxSize } = this.#settings;
    const last = this.#segments.at(-1);
    const isOver = last && (last.size >= Math.min(SEGMENT, maxSize / 4) || last.newest < now - retention);
    if (this.#file && !isOver) return this.#file;
    void this.#file?.close();
    makeFolder(folder);
    const path = segmentPath(folder, first);
    // What is there under its name is of a try that failed.
    if (last?.first === first) this.#segments.pop();
    this.#segments.push({ path, first, size: 0, newest: now });
    this.#file = new DurableFile({ path, create: true, end: 0 });
    return this.#file;
  }

  /** Removes segments, oldest first: what is settled, and what is too old or has no room. */
  #tidy(): void {
    const { retention, maxSize, clock } = this.#settings;
    const before = clock.now() - retention;
    let size = this.#segments.reduce((sum, one) => sum + one.size, 0);
    const removed: string[] = [];
    for (;;) {
      const [oldest, next] = this.#segments;
      if (!oldest || !next) break;
      const isSettled = next.first <= this.#settled.position;
      const hasNoRoom = size > maxSize;
      if (!isSettled && !hasNoRoom && oldest.newest >= before) break;
      if (!isSettled) this.#lose(next.first, hasNoRoom ? 'no_room' : 'too_old');
      size -= oldest.size;
      removed.push(oldest.path);
      this.#segments.shift();
    }
    if (removed.length > 0) void this.#place.remove(removed);
  }

  /** @returns undefined if there is nothing more to read */
  async #readOn(): Promise<readonly NumberedSpan[] | undefined> {
    const onDisk = this.#onDisk;
    const from = this.#cursor;
    if (this.unread === 0) return undefined;
    if (from >= onDisk) {
      const spans = this.#unwritten.slice(from - onDisk, from - onDisk + LINE);
      this.#cursor = from + spans.length;
      return spans.map((span, index) => [from + index, span]);
    }
    const segment = this.#segments.findLast(({ first }) => first <= from);
    const line = segment && (await this.#reader.lineAt(segment.path, from));
    if (!line) {
      this.#lose(this.#segments.find(({ first }) => first > from)?.first ?? onDisk, 'unreadable');
      return [];
    }
    const spans = await textOfLine(line)
      .then(spansOfText)
      .catch(() => undefined);
    // Meanwhile there may have been no room for them.
    if (!spans || this.#cursor > from) {
      this.#lose(line.first + line.count, spans ? 'no_room' : 'unreadable');
      return [];
    }
    this.#lose(line.first, 'unreadable');
    this.#cursor = line.first + line.count;
    return spans
      .map((span, index) => [line.first + index, span] as const)
      .slice(Math.max(0, from - line.first));
  }

  /** What lies before a number, and was not read, never will be. */
  #lose(upTo: number, why: DropReason): void {
    if (upTo <= this.#cursor) return;
    const lost = this.#settled.open([this.#cursor, upTo]);
    this.#settled.add([this.#cursor, upTo]);
    this.#cursor = upTo;
    if (lost === 0) return;
    this.#place.settled(this.#settled, this.#onDisk);
    this.dropped(lost, why);
  }

  #pause(milliseconds: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#settings.clock.after(milliseconds, resolve, 'background');
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
