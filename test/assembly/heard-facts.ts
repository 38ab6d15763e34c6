import { deserialize, serialize } from 'node:v8';
import type { Assembly } from '../../src/assembly/assembly.ts';
import type { ReportedFact, SpanFact } from '../../src/model/fact.ts';
import type { RecordReceipt } from '../../src/model/fact-sink.ts';
import type { Facts, ReadReceived, Received } from '../../src/model/received.ts';

/** Whatever time something claims is believed: what is played has times of its own. */
export const ANY_TIME = { oldest: Number.POSITIVE_INFINITY, ahead: Number.POSITIVE_INFINITY };

/** Facts as if they had come in some form. */
export function receivedOf(facts: Facts): Received {
  return { form: 'entries', packing: 'none', bytes: serialize(facts) };
}

/** Reads them again. */
export const readFacts: ReadReceived = async ({ bytes }) => deserialize(bytes) as Facts;

/** An assembly that is handed facts, each call as if they were a request of its own. */
export class HeardFacts {
  /** Who sends what comes next. */
  sender: string | undefined;
  readonly #assembly: Assembly;
  #taking: Promise<unknown> = Promise.resolve();

  constructor(assembly: Assembly) {
    this.#assembly = assembly;
  }

  get runs(): number {
    return this.#assembly.runs;
  }

  get full(): boolean {
    return this.#assembly.full;
  }

  spans(spans: readonly SpanFact[]): void {
    void this.#take({ spans, records: [] });
  }

  record(record: ReportedFact) {
    const receipt = this.#take({ spans: [], records: [record] }).then(([first]) => first as RecordReceipt);
    return {
      outcome: receipt.then(({ outcome }) => outcome),
      delivered: async () => (await receipt).delivered(),
    };
  }

  durable(): Promise<void> {
    return this.#assembly.durable();
  }

  takenOver(): void {
    this.#assembly.takenOver();
  }

  catchingUp(source: string, behind: boolean): void {
    this.#assembly.catchingUp(source, behind);
  }

  stop(): Promise<void> {
    return this.#assembly.stop();
  }

  /** Resolves when all that was handed in is taken. */
  async taken(): Promise<void> {
    await this.#taking;
  }

  #take(facts: Facts): Promise<readonly RecordReceipt[]> {
    const taking = this.#assembly.take({ ...receivedOf(facts), sender: this.sender }, facts);
    this.#taking = Promise.all([this.#taking, taking]);
    return taking;
  }
}
