import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NumberSet } from '../../src/assembly/number-set.ts';

const number = fc.nat(40);
const step = fc.tuple(fc.constantFrom('add', 'take', 'bound'), number, number);

test('a set of numbers holds what a set of each of them would', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const [set, each] = [new NumberSet(), new Set<number>()];
      for (const [what, from, length] of steps) {
        const numbers = Array.from({ length: length % 7 }, (_, i) => from + i);
        if (what === 'bound') {
          set.bound(from);
          for (const one of [...each].sort((a, b) => a - b).slice(0, Math.max(0, each.size - from)))
            each.delete(one);
        } else if (what === 'take') {
          const taken = set.take(from, from + numbers.length - 1).flatMap(inFull);
          expect(taken).toEqual(numbers.filter((one) => each.delete(one)));
        } else if (!numbers.some((one) => each.has(one))) {
          set.add(from, from + numbers.length - 1, 0);
          for (const one of numbers) each.add(one);
        }
        expect(set.size).toBe(each.size);
        expect(set.ranges.flatMap(inFull)).toEqual([...each].sort((a, b) => a - b));
        expect(set.has(from)).toBe(each.has(from));
      }
    }),
  );
});

test('it knows since when a number is in it', () => {
  const set = new NumberSet([[1, 3]], 5);
  set.add(4, 6, 7);
  set.take(2);
  expect([set.until(4), set.until(6), set.until(7)]).toEqual([
    [],
    [
      [1, 1],
      [3, 3],
    ],
    [
      [1, 1],
      [3, 3],
      [4, 6],
    ],
  ]);
});

function inFull([from, to]: readonly [number, number]): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
