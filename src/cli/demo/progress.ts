import type { RunChainResult } from '../../instrumentation/run-chain.ts';
import type { VconOtelError } from '../../model/error.ts';
import type { Terminal } from '../terminal.ts';

/** Options of {@link DemoProgress}. */
export interface ProgressSettings {
  /** What runs, for the first line. */
  readonly title?: string;
  /** Milliseconds between two lines without a terminal. Default: only one line, at the end. */
  readonly interval?: number;
}

/** Counts runs and shows them: in place on a terminal; elsewhere now and then, and at the end. */
export class DemoProgress {
  readonly runs: Record<RunChainResult['outcome'], number> = { complete: 0, halted: 0, error: 0 };
  /** The files that were not read, by the reason: which they are in the order of their names. The names may be personal data. */
  readonly skipped = new Map<string, number[]>();
  vcons = 0;
  #skipped = 0;
  readonly #stderr: Terminal;
  readonly #interval: number;
  #drawn = performance.now();

  constructor(stderr: Terminal, settings: ProgressSettings = {}) {
    const { title = 'Running vCons through three chains', interval = Number.POSITIVE_INFINITY } = settings;
    this.#stderr = stderr;
    this.#interval = stderr.isTTY ? 50 : interval;
    stderr.write(stderr.isTTY ? '' : `${title} …\n`);
  }

  ran(outcome: RunChainResult['outcome']): void {
    this.runs[outcome] += 1;
    this.#draw();
  }

  done(): void {
    this.vcons += 1;
    this.#draw();
  }

  skip({ message }: VconOtelError): void {
    const files = this.skipped.get(message) ?? [];
    this.skipped.set(message, files);
    this.#skipped += 1;
    files.push(this.vcons + this.#skipped);
  }

  end(): void {
    this.#stderr.write(this.#stderr.isTTY ? '\r\u001b[K' : `${this.#line()}\n`);
    for (const [reason, files] of this.skipped) {
      const which = files.slice(0, MAX_NAMED).join(', ') + (files.length > MAX_NAMED ? ', …' : '');
      this.#stderr.write(`${counted(files.length, 'file')} skipped, ${reason}: by name number ${which}\n`);
    }
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

/** How many files are told for each reason. */
const MAX_NAMED = 5;

/** A number with its noun. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
