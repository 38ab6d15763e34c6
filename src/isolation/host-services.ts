import { diag, type MeterProvider } from '@opentelemetry/api';
import type { VconLookup } from '../model/vcon.ts';
import { Measurements } from './measurements.ts';
import type { FromThread, Looked, Observed, ToThread } from './messages.ts';
import { tell } from './told.ts';

/** What a tracer is handed when it is made. */
export interface Host {
  readonly vcons: VconLookup;
  readonly meterProvider?: MeterProvider;
}

/** What a tracer in its thread wants of the main one, beside being called. */
export type Wanted = Extract<FromThread, { is: 'look_up' | 'instrument' | 'measured' | 'said' }>;

/** Does for one life of a tracer's thread what it cannot do itself: look up vCons, measure, and say something. */
export class HostServices {
  readonly #host: Promise<Host>;
  readonly #answer: (word: ToThread) => void;
  readonly #observe: (instrument: number) => Promise<Observed>;
  #measurements: Measurements | undefined;
  #hasEnded = false;

  /**
   * @param host what wants something before it is there waits
   * @param observe asks the thread what an instrument says
   */
  constructor(
    host: Promise<Host>,
    answer: (word: ToThread) => void,
    observe: (instrument: number) => Promise<Observed>,
  ) {
    this.#host = host;
    this.#answer = answer;
    this.#observe = observe;
  }

  wanted(word: Wanted): void {
    if (word.is === 'said') diag[word.level](word.words[0] ?? '', ...word.words.slice(1));
    else void this.#host.then((host) => this.#serve(host, word));
  }

  /** The thread has ended: nothing is wanted any more. */
  end(): void {
    this.#hasEnded = true;
    this.#measurements?.release();
  }

  #serve({ vcons, meterProvider }: Host, word: Exclude<Wanted, { is: 'said' }>): void {
    if (this.#hasEnded) return;
    if (word.is === 'look_up') {
      void this.#lookUp(vcons, word.id, word.what);
      return;
    }
    if (!meterProvider) return;
    this.#measurements ??= new Measurements(meterProvider, this.#observe);
    if (word.is === 'instrument') this.#measurements.make(word.made);
    else this.#measurements.record(word.measured);
  }

  async #lookUp(vcons: VconLookup, id: number, { uuid, eventId, text }: Looked): Promise<void> {
    try {
      if (text !== undefined) {
        await vcons.write(uuid, text);
        this.#answer({ is: 'looked_up', id });
        return;
      }
      const event = eventId === undefined ? undefined : { eventId };
      this.#answer({ is: 'looked_up', id, text: await vcons.read(uuid, event) });
    } catch (error) {
      this.#answer({ is: 'looked_up', id, error: tell(error) });
    }
  }
}
