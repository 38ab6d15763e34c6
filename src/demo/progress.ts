import type { VconOtelError } from '../model/error.ts';
import type { ChainOutcome } from '../model/event.ts';

/** Where progress is shown. */
export type Terminal = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** What {@link Progress} may be told. */
export interface ProgressSettings {
  /** What runs, for the first line. */
  readonly title?: string;
  /** Milliseconds from one line to the next where there is no terminal. Default: only one, at the end. */
  readonly interval?: number;
}

/** Counts runs and shows them: in place on a terminal; elsewhere now and then, and at the end. */
export class Progress {
  readonly runs: Record<ChainOutcome, number> = { complete: 0, halted: 0, error: 0 };
  readonly skipped = new Map<string, number>();
  vcons = 0;
  readonly #stderr: Terminal;
  readonly #interval: number;
  #drawn = performance.now();

  constructor(stderr: Terminal, settings: ProgressSettings = {}) {
    const { title = 'Running vCons through three chains', interval = Number.POSITIVE_INFINITY } = settings;
    this.#stderr = stderr;
    this.#interval = stderr.isTTY ? 50 : interval;
    stderr.write(stderr.isTTY ? '' : `${title} …\n`);
  }

  ran(outcome: ChainOutcome): void {
    this.runs[outcome] += 1;
    this.#draw();
  }

  done(): void {
    this.vcons += 1;
    this.#draw();
  }

  skip({ code }: VconOtelError): void {
    this.skipped.set(code, (this.skipped.get(code) ?? 0) + 1);
  }

  end(): void {
    this.#stderr.write(this.#stderr.isTTY ? '\r\u001b[K' : `${this.#line()}\n`);
    for (const [code, count] of this.skipped)
      this.#stderr.write(`${counted(count, 'file')} skipped: ${SKIPPED[code] ?? code}\n`);
  }

  #draw(): void {
    const now = performance.now();
    if (now - this.#drawn < this.#interval) return;
    this.#drawn = now;
    this.#stderr.write(this.#stderr.isTTY ? `\r\u001b[K${this.#line()}` : `${this.#line()}\n`);
  }

  #line(): string {
    const { complete, halted, error } = this.runs;
    return `${counted(this.vcons, 'vCon')}, ${counted(complete + halted + error, 'run')}: ${complete} complete, ${halted} halted, ${error} failed`;
  }
}

const SKIPPED: Readonly<Record<string, string>> = {
  VCON_INVALID: 'not a vCon',
  VCON_TOO_LARGE: 'too large for a vCon',
  FILE_UNUSABLE: 'cannot be read',
};

/** A number with its noun. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
