import { emitKeypressEvents } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';

/** A key, or what was pasted. */
export interface Key {
  /** As Node.js names it (`up`, `return`); undefined for a character that has no name. */
  readonly name: string | undefined;
  readonly text: string;
  readonly ctrl: boolean;
}

/** What a screen is made of. */
export interface ScreenSettings {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: WriteStream;
  readonly onKey: (key: Key) => void;
  /** The terminal has another size, or shows this program again. */
  readonly onRedraw: () => void;
}

/**
 * The whole terminal: its other screen, on which only lines that have changed are written, and keys as they are pressed. However the process ends –
 * by a key, a signal, an error, or for a while (Ctrl-Z) –, the terminal is as it was.
 */
export class Screen {
  readonly #settings: ScreenSettings;
  readonly #keys: ReadStream | undefined;
  #lines: readonly string[] = [];
  #isShown = false;

  constructor(settings: ScreenSettings) {
    this.#settings = settings;
    const { stdin, stdout } = settings;
    this.#keys = stdin.isTTY ? stdin : undefined;
    if (this.#keys) {
      emitKeypressEvents(this.#keys);
      this.#keys.on('keypress', this.#press);
    }
    stdout.on('resize', this.#again);
    process.on('SIGCONT', this.#resume);
    process.on('SIGTSTP', this.#suspend);
    process.once('exit', this.#hide);
    this.#show();
  }

  get columns(): number {
    return this.#settings.stdout.columns || 80;
  }

  get rows(): number {
    return this.#settings.stdout.rows || 24;
  }

  /** @param lines of at most as many cells as there are columns */
  draw(lines: readonly string[]): void {
    if (!this.#isShown) return;
    const shown = lines.slice(0, this.rows);
    const changed = shown.flatMap((line, at) =>
      line === this.#lines[at] ? [] : [`${ESC}[${at + 1};1H${line}${ESC}[0m${ESC}[K`],
    );
    const isShorter = shown.length < this.#lines.length;
    if (isShorter) changed.push(`${ESC}[${shown.length + 1};1H${ESC}[J`);
    this.#lines = shown;
    // At once, where the terminal knows how (mode 2026).
    if (changed.length > 0) this.#settings.stdout.write(`${ESC}[?2026h${changed.join('')}${ESC}[?2026l`);
  }

  /** Gives the terminal back. Safe twice. */
  close(): void {
    const { stdout } = this.#settings;
    this.#hide();
    this.#keys?.off('keypress', this.#press);
    this.#keys?.pause();
    stdout.off('resize', this.#again);
    process.off('SIGCONT', this.#resume);
    process.off('SIGTSTP', this.#suspend);
    process.off('exit', this.#hide);
  }

  readonly #press = (text: string | undefined, key: { name?: string; ctrl?: boolean } | undefined) => {
    const { name, ctrl = false } = key ?? {};
    // To all of a pipeline or of npx, as the terminal itself does it where keys are not read one by one.
    if (ctrl && name === 'z') process.kill(0, 'SIGTSTP');
    else this.#settings.onKey({ name, text: text ?? '', ctrl });
  };

  readonly #again = () => {
    this.#lines = [];
    if (this.#isShown) this.#settings.stdout.write(`${ESC}[2J`);
    this.#settings.onRedraw();
  };

  readonly #suspend = () => {
    this.#hide();
    // It goes on here when it is continued; at once where nothing can stop it (as the first process of a container).
    process.kill(process.pid, 'SIGSTOP');
    this.#resume();
  };

  readonly #resume = () => {
    // The shell has had the terminal meanwhile.
    this.#isShown = false;
    this.#show();
    this.#again();
  };

  #show(): void {
    if (this.#isShown) return;
    this.#isShown = true;
    // Whoever had the terminal meanwhile may have changed it, which Node.js does not know.
    this.#keys?.setRawMode(false);
    this.#keys?.setRawMode(true);
    this.#keys?.resume();
    this.#settings.stdout.write(`${ESC}[?1049h${ESC}[?25l${ESC}[2J`);
  }

  readonly #hide = () => {
    if (!this.#isShown) return;
    this.#isShown = false;
    this.#lines = [];
    this.#settings.stdout.write(`${ESC}[?2026l${ESC}[?25h${ESC}[?1049l`);
    this.#keys?.setRawMode(false);
  };
}

const ESC = '\u001b';
