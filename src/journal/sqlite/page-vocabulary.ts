import type { ChainEvent } from '../../model/event.ts';

/** What an event shares with those of other runs; `step` is what follows the run's id in its own. */
export type Shape = readonly [
  step: string,
  stage: ChainEvent['stage'],
  phase: ChainEvent['phase'],
  chain: string,
  /** The number of the list; in pages that were written before lists were kept once, the list itself. */
  links: number | readonly string[],
  link: string | null,
  linkIndex: number | null,
  storage: string | null,
  outcome: Exclude<ChainEvent['outcome'], undefined> | null,
  errorType: string | null,
  calls: Exclude<ChainEvent['calls'], undefined> | null,
  inferred: readonly string[],
  traceFlags: number,
  /** Pages that were written before events had one end here. */
  sender?: string | null,
];

/** The texts of a page, each once. */
export class Texts {
  readonly all: string[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.all.length);
    return this.all.push(text) - 1;
  }

  column(): Column {
    return new Column(this);
  }
}

/** Texts of one column: neighbours often have the same one, that of a run or of a step, and it is looked up once. */
class Column {
  readonly #texts: Texts;
  #last: string | undefined;
  #number = 0;

  constructor(texts: Texts) {
    this.#texts = texts;
  }

  numberOf(text: string): number {
    if (text !== this.#last) {
      this.#last = text;
      this.#number = this.#texts.numberOf(text);
    }
    return this.#number;
  }
}

/** The lists of links of a page, each once: as long as they may be, they are in the shape of every step of theirs. */
class Lists {
  readonly all: (readonly string[])[] = [];
  readonly #numbers = new Map<readonly string[] | string, number>();

  numberOf(list: readonly string[]): number {
    const known = this.#numbers.get(list);
    if (known !== undefined) return known;
    const text = JSON.stringify(list);
    const number = this.#numbers.get(text) ?? this.all.push(list) - 1;
    this.#numbers.set(list, number).set(text, number);
    return number;
  }
}

/** The shapes of a page, each once. */
export class Shapes {
  readonly all: Shape[] = [];
  readonly lists = new Lists();
  readonly #numbers = new Map<string, number[]>();
  /** What came last, and what came after each: events of a run come one after the other, and runs are alike. */
  #last = 0;
  readonly #next: number[] = [];

  numberOf(event: ChainEvent): number {
    const list = this.lists.numberOf(event.links);
    const expected = this.#next[this.#last];
    const isExpected = expected !== undefined && fits(this.all[expected] as Shape, event, list);
    const number = isExpected ? expected : this.#find(event, list);
    this.#next[this.#last] = number;
    this.#last = number;
    return number;
  }

  #find(event: ChainEvent, list: number): number {
    const step = event.eventId.slice(event.runId.length + 1);
    const candidates = this.#numbers.get(step);
    const known = candidates?.find((number) => fits(this.all[number] as Shape, event, list));
    if (known !== undefined) return known;
    const { stage, phase, chain, link, linkIndex, storage, outcome, errorType, calls } = event;
    const number =
      this.all.push([
        step,
        stage,
        phase,
        chain,
        list,
        link ?? null,
        linkIndex ?? null,
        storage ?? null,
        outcome ?? null,
        errorType ?? null,
        calls ?? null,
        event.inferred,
        event.spanContext.traceFlags,
        event.sender ?? null,
      ]) - 1;
    if (candidates) candidates.push(number);
    else this.#numbers.set(step, [number]);
    return number;
  }
}

function fits(shape: Shape, event: ChainEvent, list: number): boolean {
  // By their places: taking the list apart would make an iterator for every event.
  return (
    shape[2] === event.phase &&
    shape[1] === event.stage &&
    shape[3] === event.chain &&
    shape[4] === list &&
    (shape[5] ?? undefined) === event.link &&
    (shape[6] ?? undefined) === event.linkIndex &&
    (shape[7] ?? undefined) === event.storage &&
    (shape[8] ?? undefined) === event.outcome &&
    (shape[9] ?? undefined) === event.errorType &&
    (shape[10] ?? undefined) === event.calls &&
    isSame(shape[11], event.inferred) &&
    shape[12] === event.spanContext.traceFlags &&
    (shape[13] ?? undefined) === event.sender &&
    event.eventId.length === event.runId.length + 1 + shape[0].length &&
    event.eventId.endsWith(shape[0])
  );
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  if (some === others) return true;
  return some.length === others.length && some.every((one, index) => one === others[index]);
}
