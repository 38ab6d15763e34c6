import { Worker } from 'node:worker_threads';
import type { JournalSection } from '../../journal/open-admin.ts';
import type { Clock } from '../../model/clock.ts';
import { errorType } from '../../model/error.ts';
import type { PastAnswer, Question, Questions, ReaderData } from './questions.ts';

/** As source, or as what was built from it. */
const READER = new URL(`./reader.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
/** Milliseconds after the last question for which the thread is kept. */
const IDLE = 60_000;
/** Milliseconds that reading may take: less than a connection is given for it. */
const LONGEST = 110_000;
/** Questions that may wait. */
const MAX_WAITING = 50;

/**
 * What a journal keeps, read in a thread that is there only while somebody asks. Questions are answered in their order, and never
 * delay a chain.
 */
export class Past {
  readonly #journal: JournalSection;
  readonly #clock: Clock;
  readonly #longest: number;
  #worker: Worker | undefined;
  #asked: ((answered: PastAnswer) => void)[] = [];
  #callOff: (() => void) | undefined;
  #isClosed = false;

  /** @param longest milliseconds that reading may take */
  constructor(journal: JournalSection, clock: Clock, longest = LONGEST) {
    this.#journal = journal;
    this.#clock = clock;
    this.#longest = longest;
  }

  /** Whether anything is kept. */
  get isKept(): boolean {
    return this.#journal.type !== 'memory';
  }

  /** @throws PastError with a sentence for a person */
  async ask<Q extends Question>(question: Q, ask: Questions[Q]['ask']): Promise<Questions[Q]['answer']> {
    if (this.#isClosed) throw new PastError('the service is ending');
    if (this.#asked.length >= MAX_WAITING) throw new PastError('too much is asked at once: try again');
    const worker = this.#worker ?? this.#begin();
    this.#callOff?.();
    const giveUp = this.#clock.after(this.#longest, () => void worker.terminate(), 'background');
    const answered = await new Promise<PastAnswer>((resolve) => {
      this.#asked.push(resolve);
      worker.postMessage({ question, ask });
    });
    giveUp();
    if (this.#asked.length === 0) this.#restLater();
    if ('error' in answered) throw new PastError(answered.error);
    return answered.answer as Questions[Q]['answer'];
  }

  /** Ends it for good: what is asked is answered with an error. Safe twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#callOff?.();
    await this.#worker?.terminate();
  }

  #restLater(): void {
    this.#callOff?.();
    const rest = () => {
      void this.#worker?.terminate();
      // Who asks from now on asks another.
      this.#worker = undefined;
    };
    this.#callOff = this.#clock.after(IDLE, rest, 'background');
  }

  #begin(): Worker {
    const workerData: ReaderData = { journal: this.#journal };
    const worker = new Worker(READER, { workerData, name: 'vcon-otel page', execArgv: [], env: {} });
    worker.unref();
    worker.on('message', (answered: PastAnswer) => this.#asked.shift()?.(answered));
    let why = 'reading was ended';
    worker.on('error', (error) => {
      why = `reading failed (${errorType(error)})`;
    });
    worker.once('exit', () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      for (const answer of this.#asked.splice(0)) answer({ error: why });
    });
    this.#worker = worker;
    return worker;
  }
}

/** What was asked cannot be answered; the message says why. */
export class PastError extends Error {
  override readonly name = 'PastError';
}
