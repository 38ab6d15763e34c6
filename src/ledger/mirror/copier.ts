import { join } from 'node:path';
import { CHECKPOINT_FILE, HISTORY_FILE, ROTATIONS_FILE, readText, VERIFIER_KEY_FILE } from '../directory.ts';
import { listSegments, type Segment, segmentAt } from '../log/segments.ts';
import { isSameHead, openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import { readHistory } from '../proof/checkpoint-history.ts';
import { TILE_WIDTH, tilePath } from '../proof/tile.ts';
import { TileReader } from '../proof/tile-reader.ts';
import { keptFiles } from '../witness/witnessing.ts';
import { afterLines, chunkAt } from './local-file.ts';
import type { Mirrored, NextRecord } from './mirrored.ts';
import type { MirrorFile, MirrorPlace } from './place.ts';

/** A checkpoint of the history, and where it ends. */
interface Step {
  readonly note: string;
  readonly head: TreeHead;
  readonly end: number;
  /** Whether there is no newer one. */
  readonly isNewest: boolean;
}

/** Copies a ledger to its mirror, from where that ends: records and tiles before the checkpoint that covers them. */
export class Copier {
  readonly #directory: string;
  readonly #place: MirrorPlace;
  readonly #signal: AbortSignal;
  #mirrored: Mirrored;
  /** Small files that are replaced now and then, as they were copied last. */
  readonly #small = new Map<string, string>();

  /** @param signal ends it between two writes */
  constructor(directory: string, place: MirrorPlace, mirrored: Mirrored, signal: AbortSignal) {
    this.#directory = directory;
    this.#place = place;
    this.#mirrored = mirrored;
    this.#signal = signal;
    this.#small.set(CHECKPOINT_FILE, mirrored.checkpoint);
  }

  /** Records that the mirror's newest checkpoint covers. */
  get size(): number {
    return this.#mirrored.size;
  }

  /**
   * Copies what is between the mirror's newest checkpoint and a newer one: the last that ends in the segment where the mirror does, so that it soon
   * verifies by itself.
   * @returns whether there may be more
   * @throws the place's error: the mirror must then be compared anew
   */
  async step(): Promise<boolean> {
    // In this order: a deletion is signed before it is done.
    const segments = listSegments(this.#directory);
    const step = this.#nextStep(segments);
    if (step) await this.#copy(step, segments);
    if (!step || step.isNewest) {
      await this.#copySmall();
      await this.#deleteExpired(segments);
    }
    return step !== undefined && !step.isNewest;
  }

  #nextStep(segments: readonly Segment[]): Step | undefined {
    const { size, history, next } = this.#mirrored;
    const limit = segments.find(({ first }) => first > next.seq)?.first ?? Number.POSITIVE_INFINITY;
    let step: Step | undefined;
    for (const { note, offset, whole } of readHistory(join(this.#directory, HISTORY_FILE), {
      from: history,
    })) {
      const opened = whole ? openCheckpoint(note, []) : undefined;
      if (!opened || !('head' in opened)) break;
      const { head } = opened;
      if (step && head.size > limit) return { ...step, isNewest: false };
      if (head.size > size) step = { note, head, end: offset + Buffer.byteLength(note), isNewest: true };
    }
    return step;
  }

  async #copy({ note, head, end }: Step, segments: readonly Segment[]): Promise<void> {
    const { size, history } = this.#mirrored;
    const copied = new Set(this.#mirrored.segments);
    const next = await this.#copyRecords(segments, head.size, copied);
    await this.#copyTiles(size, head.size);
    await this.#copyHistory(history, end);
    // Without it nothing says whose signature is on the checkpoint.
    await this.#copyChanged([ROTATIONS_FILE]);
    this.#signal.throwIfAborted();
    await this.#place.put([{ name: CHECKPOINT_FILE, data: Buffer.from(note) }]);
    this.#small.set(CHECKPOINT_FILE, note);
    await this.#dropPartial(size, head.size);
    this.#mirrored = { size: head.size, checkpoint: note, next, history: end, segments: copied };
  }

  async #copyRecords(segments: readonly Segment[], size: number, copied: Set<number>): Promise<NextRecord> {
    let { first, bytes, seq } = this.#mirrored.next;
    while (seq < size) {
      const segment = segments.findLast((one) => one.first <= seq) ?? segments[0];
      if (!segment) throw new Error('the ledger has no records');
      if (segment.first !== first) [first, bytes, seq] = [segment.first, 0, segment.first];
      const chunk = await chunkAt(join(this.#directory, segment.file), bytes);
      const { end, lines } = afterLines(chunk, size - seq);
      if (lines === 0) throw new Error('the ledger lacks records that a checkpoint covers');
      this.#signal.throwIfAborted();
      await this.#place.append(segment.file, bytes, chunk.subarray(0, end));
      copied.add(first);
      bytes += end;
      seq += lines;
    }
    return { first, bytes, seq };
  }

  async #copyTiles(from: number, to: number): Promise<void> {
    const tiles = new TileReader(this.#directory, to);
    let waiting: MirrorFile[] = [];
    for (const { level, index, width } of tilesBetween(from, to)) {
      waiting.push({ name: tilePath(level, index, width), data: tiles.tile(level, index) });
      if (waiting.length < TILES_AT_ONCE) continue;
      this.#signal.throwIfAborted();
      await this.#place.put(waiting);
      waiting = [];
    }
    await this.#place.put(waiting);
  }

  async #copyHistory(from: number, to: number): Promise<void> {
    for (let at = from; at < to; ) {
      const chunk = await chunkAt(join(this.#directory, HISTORY_FILE), at);
      const data = chunk.subarray(0, to - at);
      if (data.length === 0) throw new Error('the history of checkpoints has become shorter');
      this.#signal.throwIfAborted();
      await this.#place.append(HISTORY_FILE, at, data);
      at += data.length;
    }
  }

  /** Partial tiles that are full by now. */
  async #dropPartial(from: number, to: number): Promise<void> {
    for (let level = 0; ; level += 1) {
      const [before, after] = [from, to].map((size) => Math.floor(size / TILE_WIDTH ** level)) as [
        number,
        number,
      ];
      if (before === 0) return;
      const index = Math.floor(before / TILE_WIDTH);
      if (before % TILE_WIDTH > 0 && Math.floor(after / TILE_WIDTH) > index)
        await this.#place.remove(`${tilePath(level, index)}.p`);
    }
  }

  /** What witnesses have cosigned since, and the public key. */
  async #copySmall(): Promise<void> {
    const newest = readText(join(this.#directory, CHECKPOINT_FILE));
    const opened = openCheckpoint(newest ?? '', []);
    const mirrored = openCheckpoint(this.#small.get(CHECKPOINT_FILE) ?? '', []);
    const isMirrored = 'head' in opened && 'head' in mirrored && isSameHead(opened.head, mirrored.head);
    const names = [
      VERIFIER_KEY_FILE,
      ...keptFiles(this.#directory),
      ...(isMirrored ? [CHECKPOINT_FILE] : []),
    ];
    await this.#copyChanged(names);
  }

  async #copyChanged(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const text = readText(join(this.#directory, name));
      if (text === undefined || text === this.#small.get(name)) continue;
      this.#signal.throwIfAborted();
      await this.#place.put([{ name, data: Buffer.from(text) }]);
      this.#small.set(name, text);
    }
  }

  /** The deletion is recorded, and its record is in the mirror by now. */
  async #deleteExpired([oldest]: readonly Segment[]): Promise<void> {
    if (!oldest || this.#mirrored.next.seq <= oldest.first) return;
    const kept = new Set(this.#mirrored.segments);
    for (const first of kept) {
      if (first >= oldest.first) continue;
      this.#signal.throwIfAborted();
      await this.#place.remove(segmentAt(first).file);
      kept.delete(first);
    }
    this.#mirrored = { ...this.#mirrored, segments: kept };
  }
}

/** Tiles in one write to the place. */
const TILES_AT_ONCE = 64;

/** The tiles of a tree that were not those of a smaller one: the full ones, and the partial ones at its right edge. */
function* tilesBetween(from: number, to: number) {
  for (let level = 0; ; level += 1) {
    const [before, after] = [from, to].map((size) => Math.floor(size / TILE_WIDTH ** level)) as [
      number,
      number,
    ];
    if (after === 0) return;
    for (let index = Math.floor(before / TILE_WIDTH); index * TILE_WIDTH < after; index += 1) {
      const width = Math.min(TILE_WIDTH, after - index * TILE_WIDTH);
      if (after > before || width === TILE_WIDTH) yield { level, index, width };
    }
  }
}
