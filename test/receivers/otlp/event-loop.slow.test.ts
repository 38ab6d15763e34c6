import { afterAll, beforeAll, expect, test } from 'vitest';
import { JsonReader } from '../../../src/receivers/json/json-reader.ts';
import { decodeTraces, type Encoding } from '../../../src/receivers/otlp/decode.ts';
import {
  attribute,
  conserverSpan,
  encode,
  field,
  type JsonSpan,
  request,
} from '../../support/otlp-request.ts';

let reader: JsonReader;
beforeAll(() => {
  reader = new JsonReader();
});
afterAll(() => reader.close());

const SIZE = 16 * 1024 * 1024;
/** Milliseconds of a processor in which nothing else may get a turn: several times what is seen, since a processor may be slow. */
const UNNOTICED = 250;
/** The collector of garbage takes turns too: once it has to go as it should. */
const TRIES = 10;

const foreign: JsonSpan = {
  ...conserverSpan('JSON.GET'),
  attributes: ['db.statement', 'db.system', 'net.peer.name'].map((key) => attribute(key, 'x'.repeat(60))),
};
const mixed = (encoding: 'json' | 'protobuf') => {
  const some = Array.from({ length: 1_000 }, (_, index) =>
    index % 5 ? foreign : conserverSpan('link.a', { link_index: index }),
  );
  const times = Math.floor(SIZE / request(some)[encoding].length);
  return request(Array(times).fill(some).flat())[encoding];
};

const CASES: readonly (readonly [string, Encoding, () => Buffer])[] = [
  ['spans in protobuf', 'protobuf', () => mixed('protobuf')],
  ['spans in JSON', 'json', () => mixed('json')],
  ['millions of empty messages', 'protobuf', () => Buffer.alloc(SIZE, Buffer.from('0a00', 'hex'))],
  ['millions of empty spans', 'protobuf', () => inSpans(Buffer.alloc(SIZE, Buffer.from('1200', 'hex')))],
  ['millions of fields in a span', 'protobuf', () => inSpan(Buffer.alloc(SIZE, Buffer.from('4a00', 'hex')))],
  ['one text in a span', 'protobuf', () => inSpan(attributeOf(field(1, Buffer.alloc(SIZE, 'x'))))],
  ['millions of fields in an attribute', 'protobuf', () => inSpan(field(9, Buffer.alloc(SIZE, '\n\0')))],
  [
    'many attributes that are read again and again',
    'protobuf',
    () => inSpan(Buffer.concat(Array(400).fill(field(9, Buffer.alloc(32_000, '\n\x01a'))))),
  ],
  ['millions of lists in JSON', 'json', () => Buffer.from(`{"resourceSpans":[${'[],'.repeat(3e6)}[]]}`)],
];

for (const [name, encoding, make] of CASES)
  test(`others have their turns while a body is read: ${name}`, async () => {
    const gaps: number[] = [];
    do {
      // Made anew: the thread takes it over.
      const body = make();
      gaps.push(await longestGap(() => decodeTraces(body, encoding, reader)));
    } while (Math.min(...gaps) >= UNNOTICED && gaps.length < TRIES);
    expect(Math.min(...gaps)).toBeLessThan(UNNOTICED);
  });

/** Milliseconds that the thread worked between two turns of a timer, at most: time that it was not given does not count. */
async function longestGap(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = worked();
  const look = () => {
    const now = worked();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 1);
  await work().catch(() => undefined);
  look();
  clearInterval(timer);
  return longest;
}

function worked(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** A ScopeSpans of these bytes. */
function inSpans(scopeSpans: Buffer): Buffer {
  return field(1, field(2, scopeSpans));
}

function inSpan(more: Buffer): Buffer {
  const span = encode(conserverSpan('link.a'), 'opentelemetry.proto.trace.v1.Span');
  return inSpans(field(2, Buffer.concat([span, more])));
}

function attributeOf(value: Buffer): Buffer {
  return field(9, Buffer.concat([field(1, Buffer.from('chain_name')), field(2, value)]));
}
