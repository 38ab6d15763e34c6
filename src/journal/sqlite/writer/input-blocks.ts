import type { InputBlock } from '../input-block.ts';
import type { Statements } from './statements.ts';

/** The input log in the file: blocks are added at one end and removed, whole, at the other. */
export class InputBlocks {
  readonly #sql: Statements;
  #end: number | undefined;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /**
   * Appends a block.
   * @param after the seq of the newest event; events that follow from these entries come later
   */
  append({ place, count, block }: InputBlock, after: number): void {
    this.#end = Math.max(this.#end ?? 0, place + count);
    this.#sql.run(
      'insert or replace into input (place, last, after, block) values (?, ?, ?, ?)',
      place,
      place + count - 1,
      after,
      block,
    );
  }

  /** The entries below a place are not needed any more; it is the low watermark from now on. */
  advance(to: number): void {
    this.#sql.run('delete from input where place < ? and last < ?', to, to);
    this.#sql.run('update input_start set place = max(place, ?)', to);
  }

  /** The blocks from the one with a place on: so many bytes, and one at least. */
  read(from: number, bytes: number): InputBlock[] {
    const rows = this.#sql.prepare('select place, last, block from input where last >= ? order by place');
    const blocks: InputBlock[] = [];
    let size = 0;
    for (const row of rows.iterate(from)) {
      const block = row.block as Uint8Array;
      const place = Number(row.place);
      blocks.push({ place, count: Number(row.last) - place + 1, block });
      size += block.byteLength;
      if (size >= bytes) break;
    }
    return blocks;
  }

  /** The place of the next entry. */
  get end(): number {
    this.#end ??= this.bounds().end;
    return this.#end;
  }

  /** The low watermark, and the place of the next entry. */
  bounds(): { readonly lowWatermark: number; readonly end: number } {
    const lowWatermark = this.#sql.number('select place from input_start');
    const last = this.#sql.number('select last from input order by place desc limit 1');
    return { lowWatermark, end: Math.max(lowWatermark, last + 1) };
  }

  /**
   * No event up to this seq is emitted again after a restart: it was the newest event when the oldest entry was kept.
   */
  toldOnce(): number {
    const row = this.#sql.prepare('select after from input order by place limit 1').get();
    return row ? Number(row.after) : Number.MAX_SAFE_INTEGER;
  }
}
