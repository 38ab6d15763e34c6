import fc from 'fast-check';
import type { ForwardedRecord } from '../../../src/receivers/forwarded-record.ts';
import type { Intake } from '../../../src/receivers/intake.ts';
import type { ReceivedSpan } from '../../../src/receivers/received-span.ts';

/** What arrives at once. */
export type Delivery = { readonly spans: readonly ReceivedSpan[] } | { readonly record: ForwardedRecord };

interface Sent {
  readonly spans: readonly ReceivedSpan[];
  readonly records: readonly ForwardedRecord[];
}

/** Each span alone. */
export const spansOf = ({ spans }: Pick<Sent, 'spans'>): Delivery[] =>
  spans.map((span) => ({ spans: [span] }));
export const recordsOf = ({ records }: Pick<Sent, 'records'>): Delivery[] =>
  records.map((record) => ({ record }));

/** Hands in what arrives. */
export function deliver(intake: Intake, deliveries: readonly Delivery[]): void {
  for (const delivery of deliveries) {
    if ('record' in delivery) intake.record(delivery.record);
    else intake.spans(delivery.spans);
  }
}

/** All of them, in any order, each as often as is said. */
export function inAnyOrder(deliveries: readonly Delivery[], times = 1): fc.Arbitrary<Delivery[]> {
  const all = Array.from({ length: times }, () => deliveries).flat();
  return fc.shuffledSubarray(all, { minLength: all.length });
}
