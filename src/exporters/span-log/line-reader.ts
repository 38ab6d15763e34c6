import { errorType } from '../../model/error.ts';
import { readSegment, type SpanLine } from './segment.ts';

/** Reads the lines of a log one after the other. */
export class LineReader {
  #path = '';
  #offset = 0;
  #lines: SpanLine[] = [];

  /**
   * Finds the first line of a segment that has spans from a number on. Numbers are to ascend from call to call.
   * @returns undefined if there is none, or no such segment any more
   * @throws the system's error
   */
  async lineAt(path: string, number: number): Promise<SpanLine | undefined> {
    if (path !== this.#path) [this.#path, this.#offset, this.#lines] = [path, 0, []];
    for (;;) {
      for (let line = this.#lines.shift(); line; line = this.#lines.shift())
        if (line.first + line.count > number) return line;
      const { lines, end } = await readSegment(path, this.#offset).catch((error: unknown) => {
        if (errorType(error) !== 'ENOENT') throw error;
        return { lines: [], end: this.#offset };
      });
      if (end === this.#offset) return undefined;
      this.#offset = end;
      this.#lines = [...lines];
    }
  }
}
