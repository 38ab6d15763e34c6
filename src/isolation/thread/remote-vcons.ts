import type { VconLookup } from '../../model/vcon.ts';
import type { FromThread, Looked, ToThread } from '../messages.ts';
import { toldError } from '../told.ts';

/** The vCon store as a tracer in a thread has it: the main thread looks up, once for all tracers of an event. */
export class RemoteVcons implements VconLookup {
  readonly #say: (word: FromThread) => void;
  readonly #waiting = new Map<number, PromiseWithResolvers<string | undefined>>();
  #asked = 0;

  constructor(say: (word: FromThread) => void) {
    this.#say = say;
  }

  read(uuid: string, event?: { readonly eventId: string }): Promise<string | undefined> {
    return this.#ask({ uuid, eventId: event?.eventId, text: undefined });
  }

  async write(uuid: string, text: string): Promise<void> {
    await this.#ask({ uuid, eventId: undefined, text });
  }

  /** It is not the tracer's to close. */
  async close(): Promise<void> {}

  /** The main thread has answered. */
  answered({ id, text, error }: Extract<ToThread, { is: 'looked_up' }>): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(toldError(error));
    else waiting?.resolve(text);
  }

  #ask(what: Looked): Promise<string | undefined> {
    const id = this.#asked++;
    const waiting = Promise.withResolvers<string | undefined>();
    this.#waiting.set(id, waiting);
    this.#say({ is: 'look_up', id, what });
    return waiting.promise;
  }
}
