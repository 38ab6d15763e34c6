import type { TreeHead } from '../proof/checkpoint.ts';
import { TileReader } from '../proof/tile-reader.ts';
import { Found } from './verdict.ts';

/** Where a record starts. */
interface Place {
  readonly file: string;
  readonly offset: number;
}

/** Whether a ledger has grown from each of its checkpoints that were kept elsewhere, the smallest first. */
export class Growth {
  readonly #heads: readonly TreeHead[];
  readonly #kept: string;
  readonly #directory: string;
  readonly #first: number;
  #at = 0;
  #due: number;
  #agreed: number | undefined;
  /** Where the first record is that no checkpoint which agrees covers. */
  #place: Place;

  /**
   * @param kept where those heads are, in words
   * @param first the first record that is kept: the tiles say what was before it
   * @param file where it is
   */
  constructor(heads: readonly TreeHead[], kept: string, directory: string, first: number, file: string) {
    this.#heads = heads.toSorted((one, other) => one.size - other.size);
    this.#kept = kept;
    this.#directory = directory;
    this.#first = first;
    this.#place = { file, offset: 0 };
    this.#due = this.#heads[0]?.size ?? Number.POSITIVE_INFINITY;
  }

  /** Records of the largest one that agrees. */
  get agreed(): number | undefined {
    return this.#agreed;
  }

  /** Whether one of them can be compared with a tree of that size. */
  isDue(size: number): boolean {
    return size >= this.#due;
  }

  /**
   * Compares those of this size, and of what was before the first record.
   * @param next where the record after these starts
   * @throws Found at the first that differs
   */
  check(size: number, root: () => Buffer, next: Place): void {
    for (let head = this.#heads[this.#at]; head && head.size <= size; head = this.#heads[++this.#at]) {
      if (!head.root.equals(head.size === size ? root() : this.#rootBefore(head.size)))
        throw this.#other(head.size);
      // That there was nothing once says nothing of what came later.
      if (head.size === 0) continue;
      this.#agreed = head.size;
      this.#place = next;
    }
    this.#due = this.#heads[this.#at]?.size ?? Number.POSITIVE_INFINITY;
  }

  /** @param end where the last record ends @throws Found if there are fewer records than there were */
  end(size: number, end: Place): void {
    const head = this.#heads[this.#at];
    if (!head) return;
    const reason = `is missing: a checkpoint ${this.#kept} has ${head.size} records; ${this.#said()}`;
    throw new Found({ ...end, seq: size, reason }, 'rolled_back');
  }

  #rootBefore(size: number): Buffer {
    return new TileReader(this.#directory, this.#first).sizeRoot(size);
  }

  #other(size: number): Found {
    const seq = this.#agreed ?? 0;
    const reason = `or one after it is not what it was: the checkpoint of ${size} records ${this.#kept} is of others; ${this.#said()}`;
    return new Found({ ...this.#place, seq, reason }, 'rolled_back');
  }

  #said(): string {
    return this.#agreed === undefined ? 'none of them agrees' : `the last that agrees has ${this.#agreed}`;
  }
}
