import fc from 'fast-check';
import type { RecordFact, SpanFact } from '../../src/model/fact.ts';
import type { HeardFacts } from './heard-facts.ts';

/** What arrives at once. */
export type Delivery = { readonly spans: readonly SpanFact[] } | { readonly record: RecordFact };

interface Sent {
  readonly spans: readonly SpanFact[];
  readonly records: readonly RecordFact[];
}

/** Each span alone. */
export const spansOf = ({ spans }: Pick<Sent, 'spans'>): Delivery[] =>
  spans.map((span) => ({ spans: [span] }));
export const recordsOf = ({ records }: Pick<Sent, 'records'>): Delivery[] =>
  records.map((record) => ({ record }));

/** Hands in what arrives. */
export function deliver(sink: Pick<HeardFacts, 'spans' | 'record'>, deliveries: readonly Delivery[]): void {
  for (const delivery of deliveries) {
    if ('record' in delivery) sink.record(delivery.record);
    else sink.spans(delivery.spans);
  }
}

/** All of them, in any order, each as often as is said. */
export function inAnyOrder(deliveries: readonly Delivery[], times = 1): fc.Arbitrary<Delivery[]> {
  const all = Array.from({ length: times }, () => deliveries).flat();
  return fc.shuffledSubarray(all, { minLength: all.length });
}
