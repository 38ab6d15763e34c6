import { type LiveState, type Paint, painter, Screen } from '../live/index.ts';
import { cleanText, displayWidth, fitText } from '../timeline/index.ts';
import { nowView } from './now-view.ts';
import { tracersView } from './tracers-view.ts';
import type { DrawnView, ViewSettings } from './view.ts';

/** What is shown, and where. */
export interface TopScreenSettings {
  readonly state: LiveState;
  /** Where news come from, for a person. */
  readonly source: string;
  readonly colour: boolean;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  /** Somebody has pressed `q`. */
  readonly onQuit: () => void;
}

const VIEWS: Readonly<Record<string, (settings: ViewSettings) => DrawnView>> = {
  Now: nowView,
  Tracers: tracersView,
};
const NAMES = Object.keys(VIEWS);

const HELP = [
  ['q', 'ends it'],
  ['← → Tab', 'the other view; n Now, t Tracers'],
  ['↑ ↓ j k', 'scrolls; PgUp PgDn Home End too'],
  ['/', 'shows only what contains a text'],
  ['Esc', 'shows all again'],
  ['?', 'this list'],
  ['', ''],
  ['▸ ▲', 'a run under way; one that is stalled:'],
  ['', 'longer than 99 of 100 of its chain'],
  ['▓ ▒ █ │', 'steps, the one under way, that p99'],
] as const;

/** Milliseconds between two drawings while nothing new is told: bars grow. */
const TICK = 200;

/** The views of `top` on a terminal, and the keys that go with them. */
export class TopScreen {
  readonly #settings: TopScreenSettings;
  readonly #paint: Paint;
  readonly #screen: Screen;
  readonly #timer: NodeJS.Timeout;
  #view = 0;
  #scroll = 0;
  #most = 0;
  #filter = '';
  #isTyping = false;
  #helps = false;

  constructor(settings: TopScreenSettings) {
    const { stdin, stdout, colour } = settings;
    this.#settings = settings;
    this.#paint = painter(colour);
    this.#screen = new Screen({
      ...{ stdin, stdout },
      onKey: ({ name, text, ctrl }) => {
        if (ctrl ? name === 'c' || name === '\\' : !this.#isTyping && name === 'q') settings.onQuit();
        else if (!ctrl) this.#press(name ?? text, text);
        this.draw();
      },
      onRedraw: () => this.draw(),
    });
    this.#timer = setInterval(() => this.draw(), TICK);
    this.draw();
  }

  draw(): void {
    const { columns, rows } = this.#screen;
    this.#screen.draw([...this.#head(columns), ...this.#body(columns, rows - 3), this.#foot(columns)]);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#screen.close();
  }

  #press(key: string, text: string): void {
    if (this.#isTyping) this.#type(key, text);
    else if (this.#helps) this.#helps = false;
    else if (key === '/') this.#isTyping = true;
    else if (key === 'escape') this.#filter = '';
    else if (text === '?') this.#helps = true;
    else if (key === 'n' || key === 't') this.#show(key === 'n' ? 0 : 1);
    else if (key === 'left' || key === 'right' || key === 'tab')
      this.#show(this.#view + (key === 'left' ? -1 : 1));
    else this.#scroll = Math.min(Math.max(0, this.#scrolled(key)), this.#most);
  }

  #type(key: string, text: string): void {
    if (key === 'return' || key === 'enter') this.#isTyping = false;
    else if (key === 'escape') {
      this.#isTyping = false;
      this.#filter = '';
    } else if (key === 'backspace') this.#filter = this.#filter.slice(0, -1);
    else this.#filter += cleanText(text);
    this.#scroll = 0;
  }

  #show(view: number): void {
    this.#view = (view + NAMES.length) % NAMES.length;
    this.#scroll = 0;
  }

  #scrolled(key: string): number {
    const page = Math.max(1, this.#screen.rows - 12);
    if (key === 'down' || key === 'j') return this.#scroll + 1;
    if (key === 'up' || key === 'k') return this.#scroll - 1;
    if (key === 'pagedown' || key === 'space') return this.#scroll + page;
    if (key === 'pageup') return this.#scroll - page;
    if (key === 'home') return 0;
    return key === 'end' ? this.#most : this.#scroll;
  }

  #head(columns: number): string[] {
    const { state, source } = this.#settings;
    const tabs = NAMES.map((name, at) => (at === this.#view ? `[${name}]` : ` ${name} `)).join('');
    const is = state.away === undefined ? '● live' : '○ away';
    const name = cleanText(state.service || source);
    const title = fitText(name, Math.max(0, columns - displayWidth(tabs) - displayWidth(is) - 2));
    const look = state.away === undefined ? 'good' : 'halt';
    const line = `${this.#paint('strong', title)} ${tabs} ${this.#paint(look, is)}`;
    const why = `${cleanText(source)}: ${cleanText(state.away ?? '')}; trying again`;
    return [line, state.away === undefined ? '' : this.#paint('halt', fitText(why, columns))];
  }

  #body(columns: number, rows: number): string[] {
    const { state } = this.#settings;
    if (this.#helps) {
      const lines = HELP.map(([keys, does]) => fitText(`  ${keys.padEnd(9)}${does}`, columns));
      return padded(lines, rows);
    }
    const draw = VIEWS[NAMES[this.#view] ?? ''] ?? nowView;
    const { lines, most } = draw({
      ...{ state, columns, rows, paint: this.#paint, filter: this.#filter, scroll: this.#scroll },
    });
    this.#most = most;
    this.#scroll = Math.min(this.#scroll, most);
    return padded(lines, rows);
  }

  #foot(columns: number): string {
    if (this.#isTyping) return fitText(`/${this.#filter}_   Enter keeps it, Esc shows all`, columns);
    if (this.#filter !== '') return fitText(`only "${this.#filter}": Esc shows all`, columns);
    return this.#paint('quiet', fitText('q quit  ? help  / filter  ←→ view  ↑↓ scroll', columns));
  }
}

function padded(lines: readonly string[], rows: number): string[] {
  return Array.from({ length: Math.max(0, rows) }, (_, at) => lines[at] ?? '');
}
