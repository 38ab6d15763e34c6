import { describe, expect, test } from 'vitest';
import { ReadPosition } from '../../src/receivers/redis-stream/read-position.ts';
import { isBefore, type Snapshot } from '../../src/receivers/redis-stream/replies.ts';

interface Books {
  readonly added: number;
  readonly length: number;
  readonly delivered: number;
  readonly entriesRead: number | undefined;
}

/** A stream whose entries have the ids 1-0, 2-0 … and was only ever trimmed. */
function snapshot({ added, length, delivered, entriesRead }: Books): Snapshot {
  return {
    added,
    length,
    lastId: `${added}-0`,
    firstId: length === 0 ? undefined : `${added - length + 1}-0`,
    group: { lastDelivered: `${delivered}-0`, entriesRead, pending: 0 },
  };
}

const group = (delivered: number, entriesRead: number | undefined) => ({
  lastDelivered: `${delivered}-0`,
  entriesRead,
  pending: 0,
});

describe('a gap', () => {
  const before = snapshot({ added: 100, length: 40, delivered: 10, entriesRead: 10 });

  test('is put right where Redis does not count it as read (before 7.2.6)', () => {
    const position = new ReadPosition();
    expect(position.advance(before, group(80, 30), 20, false)).toEqual({
      lost: 50,
      correction: { id: '80-0', entries: 80 },
    });
  });

  test('needs no correction where Redis does', () => {
    const position = new ReadPosition();
    expect(position.advance(before, group(80, 80), 20, false)).toEqual({ lost: 50, correction: undefined });
  });

  test('is counted once, even where the correction did not get through', () => {
    const position = new ReadPosition();
    position.advance(before, group(80, 30), 20, false);
    const next = snapshot({ added: 100, length: 10, delivered: 80, entriesRead: 30 });
    expect(position.advance(next, group(100, 40), 10, true)).toEqual({
      lost: 10,
      correction: { id: '100-0', entries: 100 },
    });
  });

  test('in a reply that never came is counted when everything is read', () => {
    const position = new ReadPosition();
    const next = snapshot({ added: 100, length: 30, delivered: 80, entriesRead: 30 });
    expect(position.advance(next, group(100, 50), 20, true).lost).toBe(50);
  });
});

describe('the lag', () => {
  test('is what is left, where none of it has been read', () => {
    const position = new ReadPosition();
    expect(position.lag(snapshot({ added: 100, length: 40, delivered: 10, entriesRead: undefined }))).toBe(
      40,
    );
    expect(position.lag(snapshot({ added: 100, length: 0, delivered: 10, entriesRead: undefined }))).toBe(0);
  });

  test('is no number where nobody knows what was read', () => {
    const position = new ReadPosition();
    expect(
      position.lag(snapshot({ added: 100, length: 40, delivered: 80, entriesRead: undefined })),
    ).toBeNaN();
  });
});

describe('a group that is made again', () => {
  test('has accounted for what was read of the same stream', () => {
    const position = new ReadPosition();
    expect(position.accounted(snapshot({ added: 9, length: 9, delivered: 0, entriesRead: 0 }))).toBe(0);
    position.advance(
      snapshot({ added: 100, length: 100, delivered: 0, entriesRead: 0 }),
      group(80, 80),
      80,
      false,
    );
    const made = (added: number, length: number) =>
      position.accounted(snapshot({ added, length, delivered: 0, entriesRead: undefined }));
    expect(made(100, 50)).toBe(50);
    expect(made(200, 50)).toBe(80);
    expect(made(79, 50)).toBe(0);
  });
});

test('ids are compared by their numbers, both of 64 bit', () => {
  expect(isBefore('9-0', '10-0')).toBe(true);
  expect(isBefore('10-9', '10-10')).toBe(true);
  expect(isBefore('18446744073709551614-0', '18446744073709551615-0')).toBe(true);
  expect(isBefore('10-0', '10-0')).toBe(false);
  expect(isBefore('10-0', '9-99')).toBe(false);
});
