import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inOrder, type Part, partKey, partOf, toFold } from '../../../src/ledger/mirror/parts.ts';

test('parts that were folded count as soon as the whole of them is there, whatever else still is', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(lengths, fc.nat(), fc.nat(), (all, one, other) => {
      const parts: Part[] = [];
      for (const length of all) {
        const from = parts.at(-1)?.end ?? 0;
        parts.push({ from, end: from + length });
      }
      const [from, to] = [one % parts.length, other % parts.length].sort((a, b) => a - b) as [number, number];
      const whole = { from: parts[from]?.from ?? 0, end: parts[to]?.end ?? 0 };
      const chosen = inOrder([...parts, whole].reverse());
      expect(chosen).toEqual([...parts.slice(0, from), whole, ...parts.slice(to + 1)]);
      for (const part of chosen)
        expect(partOf(partKey('checkpoints', part))).toEqual({ file: 'checkpoints', part });
    }),
  );
});

test('what comes after a gap does not count', () => {
  expect(
    inOrder([
      { from: 0, end: 5 },
      { from: 6, end: 9 },
    ]),
  ).toEqual([{ from: 0, end: 5 }]);
  expect(inOrder([{ from: 3, end: 5 }])).toEqual([]);
});

test('a file has few small parts, and large ones are not written again', () => {
  const small = Array.from({ length: 64 }, (_, at) => ({ from: at * 10, end: at * 10 + 10 }));
  expect(toFold(small.slice(1))).toEqual([]);
  expect(toFold(small)).toEqual(small);
  const large = { from: 0, end: 4_000_000 };
  const after = small.map(({ from, end }) => ({ from: from + large.end, end: end + large.end }));
  expect(toFold([large, ...after])).toEqual(after);
  expect(partOf('segments/00000000000000000000.jsonl')).toBeUndefined();
});
