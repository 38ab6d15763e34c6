import { expect, test } from 'vitest';
import { Unheard } from '../../src/assembly/unheard.ts';
import { millis, Passage } from './passage.ts';

const chain = new Passage().chain();
const [span] = 'spans' in chain ? chain.spans : [];

test('whoever refuses and takes in turns does not forget when that began', () => {
  const unheard = new Unheard();
  for (let i = 0; i < 100; i += 1) unheard.add(millis(i * 1_000), millis(i * 1_000 + 500));
  expect(unheard.kept.periods).toHaveLength(1);
  expect(span && unheard.overlaps(span)).toBe(true);
});

test('periods apart are kept apart, the newest ten of them', () => {
  const unheard = new Unheard();
  for (let i = 1; i <= 12; i += 1) unheard.add(millis(i * 60_000), millis(i * 60_000));
  expect(unheard.kept.periods).toHaveLength(10);
  expect(span && unheard.overlaps(span)).toBe(false);
});
