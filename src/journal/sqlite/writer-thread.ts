import { Worker } from 'node:worker_threads';
import type { Clock } from '../../model/clock.ts';
import { type ErrorCode, VconOtelError } from '../../model/error.ts';
import type { Notice, Opened, Time, WriterData, WriterReply, WriterRequest } from './messages.ts';
import type { ConsumerId } from './writer/schema.ts';

/** As source, or as what was built from it. */
const WRITER = new URL(`./writer/writer.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);

/** Milliseconds between two turns. */
const TURN = 500;

/**
 * The writer's thread, seen from the main one: requests are answered in their order. While nothing is asked it does
 * not keep the process alive. Should it ever end by itself, what was asked of it has failed and the next request starts
 * a new one. It has no clock of its own: now and then it is given a turn, to look after its file.
 */
export class WriterThread {
  readonly #data: Omit<WriterData, 'time' | 'last' | 'consumers'>;
  readonly #clock: Clock;
  readonly #onNotice: (notice: Notice) => void;
  /** What a thread after this one has to know. */
  readonly #consumers = new Map<ConsumerId, string>();
  #last = 0;
  #worker: Worker | undefined;
  #asked: ((reply: WriterReply) => void)[] = [];
  #closing = false;
  #cancelTurn: (() => void) | undefined;

  /** @param onNotice told what the writer says of itself */
  constructor(
    data: Omit<WriterData, 'time' | 'last' | 'consumers'>,
    clock: Clock,
    onNotice: (notice: Notice) => void,
  ) {
    this.#data = data;
    this.#clock = clock;
    this.#onNotice = onNotice;
  }

  /**
   * Starts the thread and opens the file.
   * @throws VconOtelError `FILE_UNUSABLE`, `JOURNAL_IN_USE`
   */
  async start(): Promise<Opened> {
    const worker = this.#begin();
    worker.ref();
    return new Promise<Opened>((resolve, reject) => {
      const heard = (word: WriterReply | Notice) => {
        if (!('notice' in word) || (word.notice !== 'open' && word.notice !== 'unusable')) return;
        worker.off('message', heard);
        worker.unref();
        if (word.notice === 'open') {
          this.#last = word.last;
          this.#nextTurn();
          resolve(word);
        } else reject(new VconOtelError(word.code as ErrorCode, word.message));
      };
      worker.on('message', heard);
      worker.once('error', (cause) =>
        reject(new VconOtelError('FILE_UNUSABLE', 'the journal cannot be started', { cause })),
      );
    });
  }

  /** Has something done. Never rejects: what cannot be done is answered with a failure. */
  ask(request: WriterRequest): Promise<WriterReply> {
    if (this.#closing) return Promise.resolve({ of: 'failure', code: 'CLOSED' });
    return this.#post(this.#worker ?? this.#begin(), request);
  }

  /** Closes the file and ends the thread. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#closing = true;
    this.#cancelTurn?.();
    if (!worker) return;
    const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    void this.#post(worker, { ask: 'close' });
    await gone;
  }

  #nextTurn(): void {
    this.#cancelTurn = this.#clock.after(
      TURN,
      async () => {
        if (this.#worker) await this.ask({ ask: 'turn', time: this.#time() });
        if (!this.#closing) this.#nextTurn();
      },
      'background',
    );
  }

  #time(): Time {
    return { now: this.#clock.now(), elapsed: this.#clock.elapsed() };
  }

  #post(worker: Worker, request: WriterRequest): Promise<WriterReply> {
    worker.ref();
    return new Promise((resolve) => {
      this.#asked.push(resolve);
      worker.postMessage(request);
    });
  }

  #begin(): Worker {
    const workerData: WriterData = {
      ...this.#data,
      time: this.#time(),
      last: this.#last,
      consumers: [...this.#consumers],
    };
    // Without the flags and NODE_OPTIONS of the process: what these preload may be what has just opened the journal.
    const worker = new Worker(WRITER, { workerData, name: 'vcon-otel journal', execArgv: [], env: {} });
    worker.unref();
    worker.on('message', (word: WriterReply | Notice) => {
      if ('notice' in word) {
        this.#onNotice(word);
        return;
      }
      if (word.of === 'attach') this.#consumers.set(word.consumer, word.name);
      if (word.of === 'detach') this.#consumers.delete(word.consumer);
      if (word.of === 'commit') this.#last = Math.max(this.#last, word.last);
      this.#asked.shift()?.(word);
      if (this.#asked.length === 0 && !this.#closing) worker.unref();
    });
    worker.on('error', () => undefined);
    worker.once('exit', () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      for (const answer of this.#asked.splice(0)) answer({ of: 'failure', code: 'THREAD_ENDED' });
    });
    this.#worker = worker;
    return worker;
  }
}
