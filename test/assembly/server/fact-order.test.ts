import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FactOrder } from '../../../src/assembly/server/fact-order.ts';
import type { ServerFact } from '../../../src/model/server-fact.ts';

function fact(seq: number): ServerFact {
  return {
    host: 'h',
    pid: 1,
    boot: '1',
    seq,
    time: 0n,
    thread: 't',
    run: undefined,
    kind: 'alive',
    runs: [],
  };
}

test('facts come out once and in order, shuffled and doubled as they may be', () => {
  const sent = fc
    .integer({ min: 1, max: 40 })
    .chain((last) => fc.shuffledSubarray([...numbers(last), ...numbers(last)], { minLength: last * 2 }));
  fc.assert(
    fc.property(sent, (seqs) => {
      const order = new FactOrder(1);
      const out = seqs.flatMap((seq) => order.take(fact(seq)) ?? []);
      expect(out.map(({ seq }) => seq)).toEqual(numbers(Math.max(...seqs)));
      expect(order.isWaiting).toBe(false);
    }),
  );
});

test('what is missing is counted when it is given up, and what waited for it comes out', () => {
  const order = new FactOrder(1);
  expect([1, 5, 4].map((seq) => order.take(fact(seq))?.length)).toEqual([1, 0, 0]);
  const { missing, facts } = order.skip();
  expect([missing, facts.map(({ seq }) => seq)]).toEqual([2, [4, 5]]);
  expect(order.take(fact(3))).toBeUndefined();
  expect(order.take(fact(6))).toHaveLength(1);
});

function numbers(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}
