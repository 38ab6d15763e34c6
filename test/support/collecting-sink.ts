import type { RecordFact, SpanFact } from '../../src/model/fact.ts';
import type { FactSink, RecordReceipt } from '../../src/model/fact-sink.ts';
import type { Facts, Received } from '../../src/model/received.ts';

/** An sink that keeps what it is handed; what it answers can be set. */
export class CollectingSink implements FactSink {
  readonly received: Received[] = [];
  readonly taken: SpanFact[] = [];
  readonly records: RecordFact[] = [];
  full = false;
  outcome: RecordReceipt['outcome'] = 'accepted';
  /** What `durable` and `delivered` do. */
  keep: () => Promise<void> = async () => undefined;
  deliver: () => Promise<void> = async () => undefined;

  async take(received: Received, { spans, records }: Facts): Promise<readonly RecordReceipt[]> {
    this.received.push(received);
    this.taken.push(...spans);
    this.records.push(...(records as readonly RecordFact[]));
    return records.map(() => ({ outcome: this.outcome, delivered: () => this.deliver() }));
  }

  durable(): Promise<void> {
    return this.keep();
  }

  takenOver(): void {}

  catchingUp(): void {}
}
