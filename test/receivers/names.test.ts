import { expect, test } from 'vitest';
import { nameList } from '../../src/receivers/names.ts';

test('equal lists are one', () => {
  expect(nameList(['equal a', 'equal b'])).toBe(nameList(['equal a', 'equal b']));
});

test('lists whose names have line breaks are told apart', () => {
  expect(nameList(['a\nb', 'c'])).toEqual(['a\nb', 'c']);
  expect(nameList(['a', 'b\nc'])).toEqual(['a', 'b\nc']);
});
