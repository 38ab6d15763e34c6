import type { VconOtelError } from '../model/error.ts';
import type { ChainOutcome } from '../model/event.ts';

/** Where progress is shown. */
export type Terminal = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** Counts runs and shows them: in place on a terminal, at the end elsewhere. */
export class Progress {
  readonly runs: Record<ChainOutcome, number> = { complete: 0, halted: 0, error: 0 };
  readonly skipped = new Map<string, number>();
  vcons = 0;
  readonly #stderr: Terminal;
  #drawn = 0;

  constructor(stderr: Terminal) {
    this.#stderr = stderr;
    stderr.write(stderr.isTTY ? '' : 'Running vCons through three chains …\n');
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
    if (!this.#stderr.isTTY || now - this.#drawn < 50) return;
    this.#drawn = now;
    this.#stderr.write(`\r\u001b[K${this.#line()}`);
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
