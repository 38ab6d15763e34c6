import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { threadEnvironment } from '../config/thread-environment.ts';
import type { Clock } from '../model/clock.ts';
import { endsBeforeProcess } from '../model/ending.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { FromThread, ThreadData, ThreadStart, ToThread } from './messages.ts';
import { SharedState } from './shared-state.ts';

/** As source, or as what was built from it. */
const THREAD = new URL(`./thread/thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);

/** Milliseconds between two looks at whether the thread yields, and how much memory it has: a loop takes gigabytes in a second. */
const LOOK = 100;

const MIB = 1024 * 1024;
const UNREADABLE = 'what it says cannot be read';
const TOO_MUCH = 'it used more memory than it may';
/** How many times the memory that a tracer may use V8 lets it have. */
const LAST_RESORT = 4;
/** Milliseconds that a thread has to end: it does so at once, unless it is in code of V8's own, which nothing interrupts. */
const ENDING = 2_000;

/** Why a thread has ended, in words for the log: nothing of what its tracer says or throws is in them. */
export type EndReason = string;

export interface ThreadRunSettings {
  readonly data: ThreadData;
  readonly clock: Pick<Clock, 'after'>;
  /** Milliseconds for which the tracer may not yield, and for which it may not while it is made: loading modules keeps a thread busy. */
  readonly patience: number;
  readonly making: number;
  /** Megabytes of memory that the tracer may use. */
  readonly memory: number;
  heard(word: FromThread): void;
  /** It was ended, and goes on: its tracer is in code that nothing interrupts. */
  stuck(reason: EndReason): void;
  /** @param reason undefined: it was told to end */
  ended(reason: EndReason | undefined): void;
}

/** One life of a tracer's thread, with a watchdog. The process goes on without it, unless it is held. */
export class ThreadRun {
  readonly #settings: ThreadRunSettings;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #isOver: () => void;
  readonly #shared: SharedState;
  #reason: EndReason | undefined;
  #isTold = false;
  #isFailing = false;
  #beats = 0;
  #silent = 0;
  #isMade = false;
  #callOff: (() => void) | undefined;

  /** @throws VconOtelError `OPTIONS_INVALID` where the options are not plain data */
  constructor(settings: ThreadRunSettings) {
    const { data, memory } = settings;
    this.#settings = settings;
    this.#shared = new SharedState(data.shared);
    this.#beats = this.#shared.beats;
    [this.#worker, this.#port] = start(data, memory);
    this.#isOver = endsBeforeProcess(() => this.end());
    this.#port.on('message', (word: FromThread) => this.#heard(word));
    // Until it is made, whoever starts it waits.
    this.hold(true);
    this.#worker.on('error', (error) => {
      this.#reason ??= reasonOf(error);
    });
    this.#worker.once('exit', () => this.#ended());
    this.#lookLater();
  }

  post(word: ToThread): void {
    this.#port.postMessage(word);
  }

  /** The tracer has been made. */
  made(): void {
    this.#isMade = true;
  }

  /** @param holds whether the process is to go on for it */
  hold(holds: boolean): void {
    for (const part of [this.#worker, this.#port])
      if (holds) part.ref();
      else part.unref();
  }

  /** It is of no use: ends it as if it had ended by itself. */
  fail(reason: EndReason): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#reason ??= reason;
    void this.#worker.terminate();
    this.#callOff?.();
    this.#callOff = this.#settings.clock.after(ENDING, () => this.#settings.stuck(reason), 'background');
  }

  /** Ends it, whatever the tracer is doing; one that nothing interrupts is not waited for. */
  async end(): Promise<void> {
    this.#isTold = true;
    const patience = Promise.withResolvers<void>();
    const callOff = this.#settings.clock.after(ENDING, patience.resolve, 'background');
    await Promise.race([this.#worker.terminate(), patience.promise]);
    callOff();
  }

  /** A tracer that has changed what this thread's code is made of can make it say anything. */
  #heard(word: FromThread): void {
    try {
      this.#settings.heard(word);
    } catch {
      this.fail(UNREADABLE);
    }
  }

  #lookLater(): void {
    this.#callOff = this.#settings.clock.after(LOOK, () => this.#look(), 'background');
  }

  #look(): void {
    const { beats } = this.#shared;
    // Looks are counted rather than time: a process that was stopped as a whole has not been silent.
    this.#silent = beats === this.#beats ? this.#silent + LOOK : 0;
    this.#beats = beats;
    const { patience, making } = this.#settings;
    const limit = this.#isMade ? patience : making;
    if (this.#silent >= limit) {
      this.fail(`it did not yield for ${limit / 1e3} s`);
      return;
    }
    if (this.#isFailing) return;
    void this.#weigh();
    this.#lookLater();
  }

  /** V8's own limit ends the process as a whole when a thread meets it too fast: it is the last resort. */
  async #weigh(): Promise<void> {
    try {
      // Node.js 22.15 has no such method: there, V8's limit is all there is.
      const used = await this.#worker.getHeapStatistics?.();
      if (used && used.used_heap_size + used.external_memory > this.#settings.memory * MIB)
        this.fail(TOO_MUCH);
    } catch {
      // It has just ended.
    }
  }

  #ended(): void {
    // It may have said more than has arrived.
    for (let said = receiveMessageOnPort(this.#port); said; said = receiveMessageOnPort(this.#port))
      this.#heard(said.message);
    this.#callOff?.();
    this.#isOver();
    this.#port.close();
    this.#settings.ended(this.#isTold ? undefined : (this.#reason ?? 'it ended the thread'));
  }
}

function start(data: ThreadData, memory: number): [Worker, MessagePort] {
  const { port1, port2 } = new MessageChannel();
  try {
    const worker = new Worker(THREAD, {
      workerData: { ...data, port: port2 } satisfies ThreadStart,
      transferList: [port2],
      name: `vcon-otel ${data.name}`.slice(0, 60),
      execArgv: [],
      env: threadEnvironment(),
      resourceLimits: { maxOldGenerationSizeMb: LAST_RESORT * memory },
    });
    return [worker, port1];
  } catch (cause) {
    port1.close();
    const path = `tracers.${data.name}.options`;
    throw new VconOtelError(
      'OPTIONS_INVALID',
      `${path}: only plain data can be handed to a thread: write isolation: none`,
      { path, cause },
    );
  }
}

function reasonOf(error: unknown): EndReason {
  const type = errorType(error);
  return type === 'ERR_WORKER_OUT_OF_MEMORY' ? TOO_MUCH : `uncaught ${type}`;
}
