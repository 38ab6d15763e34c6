import type {
  Attributes,
  BatchObservableCallback,
  Meter,
  MeterOptions,
  MeterProvider,
  MetricOptions,
  Observable,
  ObservableCallback,
} from '@opentelemetry/api';
import type { InstrumentMade, Measured, Observed } from '../measurements.ts';
import type { FromThread } from '../messages.ts';

/** What a tracer measures in its thread, on its way to the main one: what it says in one turn of the event loop in one message. */
export class RemoteMeters implements MeterProvider {
  readonly #say: (word: FromThread) => void;
  readonly #observables = new Map<number, RemoteObservable>();
  readonly #batches = new Map<BatchObservableCallback, Set<Observable>>();
  #made = 0;
  #measured: Measured[] = [];

  constructor(say: (word: FromThread) => void) {
    this.#say = say;
  }

  getMeter(name: string, version?: string, options?: MeterOptions): Meter {
    const meter = [name, version, options && { schemaUrl: options.schemaUrl }] as InstrumentMade['meter'];
    const plain = (kind: InstrumentMade['kind']) => (name: string, options?: MetricOptions) => {
      const id = this.#make({ kind, isObservable: false, meter, name, options });
      const take = (value: number, attributes?: Attributes) => this.#measure(id, value, attributes);
      return { add: take, record: take };
    };
    const observable = (kind: InstrumentMade['kind']) => (name: string, options?: MetricOptions) => {
      const instrument = new RemoteObservable();
      this.#observables.set(this.#make({ kind, isObservable: true, meter, name, options }), instrument);
      return instrument;
    };
    return {
      createCounter: plain('Counter'),
      createUpDownCounter: plain('UpDownCounter'),
      createHistogram: plain('Histogram'),
      createGauge: plain('Gauge'),
      createObservableCounter: observable('Counter'),
      createObservableUpDownCounter: observable('UpDownCounter'),
      createObservableGauge: observable('Gauge'),
      addBatchObservableCallback: (callback, observables) => {
        this.#batches.set(callback, new Set(observables));
      },
      removeBatchObservableCallback: (callback) => {
        this.#batches.delete(callback);
      },
    };
  }

  /** Asks an observable instrument for its values. */
  async observe(id: number): Promise<Observed> {
    const instrument = this.#observables.get(id);
    const observed: (readonly [number, Attributes | undefined])[] = [];
    if (!instrument) return observed;
    const observe = (value: number, attributes?: Attributes) => void observed.push([value, attributes]);
    for (const callback of instrument.callbacks) await callback({ observe });
    for (const [callback, observables] of this.#batches)
      if (observables.has(instrument))
        await callback({
          observe: (metric, value, attributes) => {
            if (metric === instrument) observe(value, attributes);
          },
        });
    return observed;
  }

  #make(made: Omit<InstrumentMade, 'id'>): number {
    const id = this.#made++;
    const { description, unit, valueType, advice } = made.options ?? {};
    // Nothing but what the interface has: anything else might not be able to cross.
    const options = { description, unit, valueType, advice } as MetricOptions;
    this.#say({ is: 'instrument', made: { ...made, options, id } });
    return id;
  }

  #measure(id: number, value: number, attributes: Attributes | undefined): void {
    if (this.#measured.length === 0)
      setImmediate(() => {
        const measured = this.#measured;
        this.#measured = [];
        this.#say({ is: 'measured', measured });
      });
    this.#measured.push([id, value, attributes && { ...attributes }]);
  }
}

class RemoteObservable implements Observable {
  readonly callbacks = new Set<ObservableCallback>();

  addCallback(callback: ObservableCallback): void {
    this.callbacks.add(callback);
  }

  removeCallback(callback: ObservableCallback): void {
    this.callbacks.delete(callback);
  }
}
