import type { ForwardedRecord } from '../../src/receivers/forwarded-record.ts';
import type { Intake, RecordReceipt } from '../../src/receivers/intake.ts';
import type { ReceivedSpan } from '../../src/receivers/received-span.ts';

/** An intake that keeps what it is handed; what it answers can be set. */
export class CollectingIntake implements Intake {
  readonly taken: ReceivedSpan[] = [];
  readonly records: ForwardedRecord[] = [];
  full = false;
  outcome: RecordReceipt['outcome'] = 'accepted';
  /** What `durable` and `delivered` do. */
  keep: () => Promise<void> = async () => undefined;
  deliver: () => Promise<void> = async () => undefined;

  spans(spans: readonly ReceivedSpan[]): void {
    this.taken.push(...spans);
  }

  record(record: ForwardedRecord): RecordReceipt {
    this.records.push(record);
    return { outcome: this.outcome, delivered: () => this.deliver() };
  }

  durable(): Promise<void> {
    return this.keep();
  }

  catchingUp(): void {}
}
