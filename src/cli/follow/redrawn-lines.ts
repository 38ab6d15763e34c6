import type { WriteStream } from 'node:tty';

/** The last lines on a terminal, drawn again and again in their place; what is printed stays above them. */
export class RedrawnLines {
  readonly #stdout: WriteStream;
  #drawn: readonly string[] = [];

  constructor(stdout: WriteStream) {
    this.#stdout = stdout;
    stdout.on('resize', this.#resized);
  }

  /** @param stays lines that are not drawn again @param lines those that are; what is wider than the terminal is cut */
  draw(lines: readonly string[], stays: readonly string[] = []): void {
    // Whatever is above the top of the terminal cannot be drawn again.
    const shown = lines.slice(-Math.max(1, (this.#stdout.rows || 24) - 1));
    if (stays.length === 0 && shown.join('\n') === this.#drawn.join('\n')) return;
    const up = this.#drawn.length > 0 ? `${ESC}[${this.#drawn.length}A\r${ESC}[J` : '';
    const text = [
      ...stays.map((line) => `${ESC}[?7h${line}\n`),
      ...shown.map((line) => `${ESC}[?7l${line}\n`),
    ];
    this.#stdout.write(`${ESC}[?2026h${up}${text.join('')}${ESC}[?7h${ESC}[?2026l`);
    this.#drawn = shown;
  }

  /** Leaves what is drawn. */
  end(): void {
    this.#stdout.off('resize', this.#resized);
  }

  /** The terminal has broken the lines anew: they are where they are, and others follow. */
  readonly #resized = () => {
    this.#drawn = [];
  };
}

const ESC = '\u001b';
