import type {
  Attributes,
  MeterOptions,
  MeterProvider,
  MetricOptions,
  ObservableResult,
} from '@opentelemetry/api';
import { withDeadline } from '../model/deadline.ts';

/** An instrument that a tracer has made in its thread. */
export interface InstrumentMade {
  readonly id: number;
  readonly kind: 'Counter' | 'UpDownCounter' | 'Histogram' | 'Gauge';
  /** Whether it is asked for its values. */
  readonly isObservable: boolean;
  readonly meter: readonly [name: string, version: string | undefined, options: MeterOptions | undefined];
  readonly name: string;
  readonly options: MetricOptions | undefined;
}

/** A value that an instrument was given. */
export type Measured = readonly [instrument: number, value: number, attributes: Attributes | undefined];

/** What an observable instrument says when it is asked. */
export type Observed = readonly (readonly [value: number, attributes: Attributes | undefined])[];

/** Milliseconds that an observable instrument may take to answer. */
const OBSERVE_TIMEOUT = 1_000;

type Record = (value: number, attributes: Attributes | undefined) => void;

/** The main thread's side of what tracers measure in theirs: the same instruments, of the provider that everybody has. */
export class Measurements {
  readonly #provider: MeterProvider;
  readonly #observe: (instrument: number) => Promise<Observed>;
  readonly #records = new Map<number, Record>();
  readonly #releases: (() => void)[] = [];

  /** @param observe asks the thread */
  constructor(provider: MeterProvider, observe: (instrument: number) => Promise<Observed>) {
    this.#provider = provider;
    this.#observe = observe;
  }

  make({
    id,
    kind,
    isObservable,
    meter: [scope, version, scopeOptions],
    name,
    options,
  }: InstrumentMade): void {
    const meter = this.#provider.getMeter(scope, version, scopeOptions);
    if (!isObservable) {
      this.#records.set(id, recordOf(meter[`create${kind}`](name, options)));
      return;
    }
    if (kind === 'Histogram') return;
    const instrument = meter[`createObservable${kind}`](name, options);
    const callback = async (result: ObservableResult) => {
      const observed = withDeadline(this.#observe(id), OBSERVE_TIMEOUT, 'observing');
      for (const [value, attributes] of await observed) result.observe(value, attributes);
    };
    instrument.addCallback(callback);
    this.#releases.push(() => instrument.removeCallback(callback));
  }

  record(measured: readonly Measured[]): void {
    for (const [instrument, value, attributes] of measured)
      this.#records.get(instrument)?.(value, attributes);
  }

  /** The thread has ended: its instruments are asked no more. */
  release(): void {
    for (const release of this.#releases.splice(0)) release();
  }
}

type Instrument = { add: Record } | { record: Record };

function recordOf(instrument: Instrument): Record {
  return 'add' in instrument
    ? (value, attributes) => instrument.add(value, attributes)
    : (value, attributes) => instrument.record(value, attributes);
}
