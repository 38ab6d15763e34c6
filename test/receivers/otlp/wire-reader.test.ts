import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { SharedTexts } from '../../../src/receivers/otlp/texts.ts';
import { WireReader } from '../../../src/receivers/otlp/wire-reader.ts';
import { runs } from '../../support/search.ts';

/** Few of them, and alike, so that they come again and meet others in their place. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 3, max: 4 }),
  fc.uint8Array({ maxLength: 80 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => Buffer.from(text)),
);

test('a text that came before, and any other, is what its bytes say', () => {
  const texts = new SharedTexts();
  const holds = (all: readonly Uint8Array[]) => {
    for (const some of [...all, ...all]) {
      const message = Buffer.concat([Buffer.from('x'), some, Buffer.from('y')]);
      const text = isUtf8(some) ? Buffer.from(some).toString() : undefined;
      expect(texts.utf8(message, 1, 1 + some.length)).toBe(text);
      expect(texts.hex(message, 1, 1 + some.length)).toBe(Buffer.from(some).toString('hex'));
    }
  };
  fc.assert(fc.property(fc.array(bytes, { maxLength: 20 }), holds), { numRuns: runs(200) });
});

test('a byte that is no character is not taken for one that looks like it', () => {
  const texts = new SharedTexts();
  expect(texts.utf8(Buffer.from('é'), 0, 2)).toBe('é');
  expect(texts.utf8(Buffer.from([0xe9]), 0, 1)).toBeUndefined();
  expect(texts.utf8(Buffer.from([0xe9]), 0, 1)).toBeUndefined();
});

test('a time is exact to the nanosecond, whatever 64 bits it has', () => {
  const holds = (nanoseconds: bigint) => {
    const written = Buffer.alloc(9);
    written[0] = (7 << 3) | 1;
    written.writeBigUInt64LE(nanoseconds, 1);
    const reader = new WireReader(written);
    reader.next();
    expect(reader.time()).toEqual([
      Number(nanoseconds / 1_000_000_000n),
      Number(nanoseconds % 1_000_000_000n),
    ]);
  };
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), holds), { numRuns: runs(1_000) });
});

test('an integer is as exact as a number can be', () => {
  const holds = (integer: number) => {
    const reader = new WireReader(
      protobuf.Writer.create()
        .uint32(3 << 3)
        .int64(integer)
        .finish(),
    );
    reader.next();
    expect(reader.int64()).toBe(integer);
  };
  fc.assert(fc.property(fc.maxSafeInteger(), holds), { numRuns: runs(1_000) });
});
