import type { TimedTracer } from '../delivery/bound-tracer.ts';
import { longestWait } from '../model/back-off.ts';
import type { Clock } from '../model/clock.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { ChainEvent } from '../model/event.ts';
import type { Options, TracerDefinition } from '../model/tracer.ts';
import { type Host, HostServices } from './host-services.ts';
import type { Asked, Description, FromThread, Observed } from './messages.ts';
import { PendingCalls } from './pending-calls.ts';
import { type EndReason, ThreadRun } from './thread-run.ts';
import { namedError, toldError } from './told.ts';

/** A tracer that is to run in a thread of its own. */
export interface ThreadedTracerSettings {
  /** Its name in the configuration. */
  readonly name: string;
  /** Its module. */
  readonly file: string;
  /** As they are written in the configuration. */
  readonly options: Options;
  /** Milliseconds that a call may take. */
  readonly timeout: number;
  /** How many calls may be under way at once. */
  readonly concurrency: number;
  /** Milliseconds for which it may not yield, and for which it may not while it is made. */
  readonly patience: number;
  readonly making: number;
  /** Megabytes of memory that it may use. */
  readonly memory: number;
  readonly clock: Clock;
  /** Told when its thread has ended by itself. */
  ended(reason: EndReason): void;
  /** Told of the type of an error that the tracer left to nobody. */
  stray(type: string): void;
}

/** How the thread of a tracer stands. */
export interface ThreadState {
  readonly isUp: boolean;
  /** How often it has ended by itself. */
  readonly ends: number;
  /** Why it did so the last time, and how many seconds ago. */
  readonly lastEnd: { readonly reason: EndReason; readonly ago: number } | undefined;
}

/** Milliseconds until a thread that has ended is started again; it doubles while that happens again and again. */
const RESTARTS = { initialInterval: 1_000, maxInterval: 60_000 };

/**
 * A tracer in a thread of its own, as the main thread has it. Whatever the tracer does – spin, throw in a timer, leave, use up
 * its memory – ends its thread alone: calls that it has not answered fail, the others count, and the thread is started again.
 */
export class ThreadedTracer {
  readonly #settings: ThreadedTracerSettings;
  readonly #calls: PendingCalls;
  readonly #host = Promise.withResolvers<Host>();
  readonly #made = Promise.withResolvers<Description>();
  /** What was asked of the thread and is not answered. */
  readonly #questions = new Map<number, PromiseWithResolvers<Observed>>();
  #asked = 0;
  #run: ThreadRun | undefined;
  #services: HostServices | undefined;
  #wasMade = false;
  #isUp = false;
  #isClosing = false;
  #isSending = false;
  /** What is known of the thread is that it ends, or has ended. */
  #isLost = false;
  #since = 0;
  #ends = 0;
  #endsInARow = 0;
  #lastEnd: { readonly reason: EndReason; readonly at: number } | undefined;
  #callOff: (() => void) | undefined;

  constructor(settings: ThreadedTracerSettings) {
    const { concurrency, timeout, clock } = settings;
    this.#settings = settings;
    this.#calls = new PendingCalls({ most: concurrency, timeout, clock });
    this.#made.promise.catch(() => undefined);
    this.#begin();
  }

  /**
   * Resolves when the tracer has been made for the first time.
   * @throws VconOtelError `MODULE_INVALID`, `OPTIONS_INVALID`, `TRACER_FAILED`, as where it runs in place
   */
  get made(): Promise<Description> {
    return this.#made.promise;
  }

  get state(): ThreadState {
    const { reason, at } = this.#lastEnd ?? {};
    const ago = (this.#settings.clock.elapsed() - (at ?? 0)) / 1e3;
    return {
      isUp: this.#isUp,
      ends: this.#ends,
      lastEnd: reason === undefined ? undefined : { reason, ago },
    };
  }

  /** Itself as a module that can be made once. */
  module({ has, completion, audit, readsVcons, remarks, files }: Description): TracerDefinition {
    return {
      ...{ completion, audit, readsVcons: () => readsVcons, remarks: () => remarks, files: () => files },
      create: (_options, host) => {
        this.#host.resolve(host);
        return this.#tracer(has);
      },
    };
  }

  /** Shuts the tracer down, which may hang, and ends its thread. Safe twice: the second time does not wait. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    try {
      await this.#ask('shutdown');
    } finally {
      await this.kill();
    }
  }

  /** Ends the thread, whatever the tracer is doing. Safe twice. */
  async kill(): Promise<void> {
    this.#isClosing = true;
    this.#isUp = false;
    this.#callOff?.();
    this.#calls.refuse(gone);
    await this.#run?.end();
  }

  #tracer(has: Description['has']): TimedTracer {
    return {
      keepsTime: true,
      ...(has.trace && { trace: (_uuid, _event, _options, event) => this.#call([event]) }),
      ...(has.traceBatch && { traceBatch: (events) => this.#call(events) }),
      ...(has.run && {
        run: (_in, _out, _name, _links, index, _options, event) => this.#call([event], index),
      }),
      forceFlush: async () => {
        await this.#ask('forceFlush');
      },
      shutdown: () => this.close(),
    };
  }

  #call(events: readonly ChainEvent[], runIndex?: number): Promise<unknown> {
    if (this.#isClosing) return Promise.reject(gone());
    const answer = this.#calls.add(events, runIndex);
    this.#send();
    return answer;
  }

  /** Sends all calls of a turn of the event loop together. */
  #send(): void {
    if (this.#isSending || !this.#isUp) return;
    this.#isSending = true;
    queueMicrotask(() => {
      this.#isSending = false;
      if (this.#isUp && this.#calls.isWaiting) this.#run?.post({ is: 'calls', batch: this.#calls.send() });
      this.#hold();
    });
  }

  /** While calls are under way, the process waits for them. */
  #hold(): void {
    this.#run?.hold(this.#calls.areUnderWay);
  }

  /** A thread that is not there has nothing to flush or to release. */
  async #ask(what: Asked): Promise<Observed> {
    if (!this.#isUp) return [];
    const id = this.#asked++;
    const question = Promise.withResolvers<Observed>();
    this.#questions.set(id, question);
    this.#run?.post({ is: 'ask', id, what });
    return question.promise;
  }

  #begin(): void {
    const { name, file, options, timeout, patience, making, memory, clock } = this.#settings;
    this.#since = clock.elapsed();
    this.#services = new HostServices(
      this.#host.promise,
      (word) => this.#run?.post(word),
      (observe) => this.#ask({ observe }),
    );
    try {
      this.#run = new ThreadRun({
        data: { name, file, options, timeout, shared: this.#calls.shared.buffer },
        ...{ clock, patience, making, memory },
        heard: (word) => this.#heard(word),
        stuck: (reason) => this.#lost(`${reason}, and goes on in code that nothing interrupts`),
        ended: (reason) => this.#ended(reason),
      });
    } catch (error) {
      this.#made.reject(error);
    }
  }

  #heard(word: FromThread): void {
    if (word.is === 'answers') {
      this.#calls.answered(word);
      this.#hold();
    } else if (word.is === 'ready') this.#ready(word.description);
    else if (word.is === 'unmade') {
      const error = toldError(word.error);
      this.#made.reject(error);
      this.#run?.fail(`it could not be made: ${errorType(error)}`);
    } else if (word.is === 'done') {
      const question = this.#questions.get(word.id);
      this.#questions.delete(word.id);
      if (word.error) question?.reject(toldError(word.error));
      else question?.resolve(word.observed ?? []);
    } else if (word.is === 'stray') this.#settings.stray(word.type);
    else this.#services?.wanted(word);
  }

  #ready(description: Description): void {
    this.#wasMade = true;
    this.#isUp = true;
    this.#run?.made();
    this.#made.resolve(description);
    this.#send();
  }

  #ended(reason: EndReason | undefined): void {
    this.#run = undefined;
    this.#services?.end();
    this.#lost(reason);
    this.#isLost = false;
    if (this.#isClosing || reason === undefined || !this.#wasMade) return;
    this.#beginAgain();
  }

  /** Nothing will come of it any more. Safe twice: once it is known, and again when the thread has ended. */
  #lost(reason: EndReason | undefined): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#isUp = false;
    this.#calls.lost(gone);
    for (const { reject } of this.#questions.values()) reject(gone());
    this.#questions.clear();
    if (this.#isClosing || reason === undefined) return;
    this.#ends += 1;
    this.#lastEnd = { reason, at: this.#settings.clock.elapsed() };
    if (this.#wasMade) this.#settings.ended(reason);
    else this.#made.reject(this.#unmade(reason));
  }

  #beginAgain(): void {
    const { clock } = this.#settings;
    const wasWell = clock.elapsed() - this.#since > RESTARTS.maxInterval;
    this.#endsInARow = wasWell ? 1 : this.#endsInARow + 1;
    const wait = longestWait(RESTARTS, this.#endsInARow);
    this.#callOff = clock.after(wait, () => this.#begin(), 'background');
  }

  #unmade(reason: EndReason): VconOtelError {
    const path = `tracers.${this.#settings.name}`;
    return new VconOtelError('TRACER_FAILED', `${path}: its thread has ended: ${reason}`, { path });
  }
}

function gone(): Error {
  return namedError('ThreadEnded');
}
