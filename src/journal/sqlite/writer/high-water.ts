import { MarkFile } from '../../../persistence/mark-file.ts';

/** How far a journal had come. */
export interface Mark {
  /** Which journal, see `Journal`. */
  readonly id: string;
  /** The seq of the newest event. */
  readonly last: number;
  /** The place after the newest entry of the input log. */
  readonly end: number;
}

/**
 * Says beside a journal how far it had come. A log that was deleted after a kill, or an old copy in the journal's place, lacks what
 * it had kept and looks sound.
 */
export class HighWater {
  readonly #file: MarkFile;

  /** @param path the journal's */
  constructor(path: string) {
    this.#file = new MarkFile(markFileOf(path));
  }

  /** What stands there; undefined where nothing does that can be read. */
  read(): Mark | undefined {
    const words = this.#file.read();
    if (words === undefined) return undefined;
    const [id = '', last, end] = words.split(' ');
    return { id, last: Number(last), end: Number(end) };
  }

  /** Never throws: a journal that can be written must not fail for want of its mark. */
  write({ id, last, end }: Mark): void {
    this.#file.write(`${id} ${last} ${end}`);
  }

  close(): void {
    this.#file.close();
  }
}

/** Where the mark of a journal is. */
function markFileOf(path: string): string {
  return `${path}-mark`;
}

/** What is gone of a journal, in words; undefined where nothing is. */
export function lossSince(mark: Mark, now: Mark): string | undefined {
  if (mark.id !== now.id)
    return mark.last === 0 && mark.end === 0
      ? undefined
      : 'it is not the one that was here: events and inputs that this one had kept are gone';
  const events = Math.max(0, mark.last - now.last);
  const inputs = Math.max(0, mark.end - now.end);
  if (events + inputs === 0) return undefined;
  return `it has gone back: ${events} events and ${inputs} inputs that it had kept are gone (was its -wal file deleted, or an old copy put in its place?)`;
}
