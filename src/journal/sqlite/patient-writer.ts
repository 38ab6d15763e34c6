import { longestWait } from '../../model/back-off.ts';
import type { Clock } from '../../model/clock.ts';
import type { WriterReply, WriterRequest } from './messages.ts';
import type { WriterThread } from './writer-thread.ts';

/** Milliseconds between two tries. */
const PAUSES = { initialInterval: 100, maxInterval: 5_000 };

/** Sends requests to the writer and repeats each until it succeeds. */
export class PatientWriter {
  readonly #thread: WriterThread;
  readonly #clock: Clock;
  readonly #turned: (failing: string | undefined) => void;
  /** Kinds of request that failed the last time. */
  readonly #failing = new Set<WriterRequest['ask']>();
  readonly #pauses = new Set<() => void>();
  #isEnding = false;

  /** @param turned called with SQLite's code when the file cannot be written, and without when it can be again */
  constructor(thread: WriterThread, clock: Clock, turned: (failing: string | undefined) => void) {
    this.#thread = thread;
    this.#clock = clock;
    this.#turned = turned;
  }

  /** @returns undefined if the journal is closed before the request succeeds */
  async ask<A extends WriterRequest['ask']>(
    request: Extract<WriterRequest, { ask: A }>,
  ): Promise<Extract<WriterReply, { of: A }> | undefined> {
    for (let failures = 1; ; failures += 1) {
      const reply: WriterReply = await this.#thread.ask(request);
      if (reply.of !== 'failure') {
        if (this.#failing.delete(request.ask) && this.#failing.size === 0) this.#turned(undefined);
        return reply as Extract<WriterReply, { of: A }>;
      }
      const isNew = this.#failing.size === 0;
      this.#failing.add(request.ask);
      if (isNew) this.#turned(reply.code);
      if (this.#isEnding) return undefined;
      await this.#pause(longestWait(PAUSES, failures));
    }
  }

  /** From now on nothing is repeated. */
  end(): void {
    this.#isEnding = true;
    for (const wake of [...this.#pauses]) wake();
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const wake = () => {
        cancel();
        this.#pauses.delete(wake);
        resolve();
      };
      const cancel = this.#clock.after(milliseconds, wake);
      this.#pauses.add(wake);
    });
  }
}
