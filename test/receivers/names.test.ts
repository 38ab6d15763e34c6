import { expect, test } from 'vitest';
import { listOf } from '../../src/receivers/names.ts';

test('equal lists are one', () => {
  expect(listOf(['equal a', 'equal b'])).toBe(listOf(['equal a', 'equal b']));
});

test('lists whose names have line breaks are told apart', () => {
  expect(listOf(['a\nb', 'c'])).toEqual(['a\nb', 'c']);
  expect(listOf(['a', 'b\nc'])).toEqual(['a', 'b\nc']);
});
