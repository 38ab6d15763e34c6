import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LedgerRecord, NO_HASH, parseLine, recordLine } from '../../../src/ledger/log/record.ts';
import { entries } from '../written-ledger.ts';

const RECORDED = '2026-03-01T12:00:00.000Z';
const [first] = entries(1);
const record = { ...first, seq: 0, prev_hash: NO_HASH, recorded_at: RECORDED } as Extract<
  LedgerRecord,
  { run_id: string }
>;

// The library that says what RFC 8785 is has to be right itself.
describe('canonicalize keeps the vectors of RFC 8785', () => {
  test('§3.2.2: literals, numbers, escapes', () => {
    const text = String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`;
    expect(canonicalize(JSON.parse(text))).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  test('§3.2.3: keys in the order of UTF-16 code units', () => {
    const text = String.raw`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`;
    const values = Object.values(JSON.parse(canonicalize(JSON.parse(text)) ?? '') as Record<string, string>);
    expect(canonicalize(JSON.parse(text))?.indexOf('Carriage')).toBeLessThan(
      canonicalize(JSON.parse(text))?.indexOf('One') ?? 0,
    );
    expect(values).toContain('Emoji: Grinning Face');
    const order = [...(canonicalize(JSON.parse(text)) ?? '').matchAll(/:"([^"]+)"/g)].map(
      ([, value]) => value,
    );
    expect(order).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
  });

  test.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('appendix B: %s is %s', (bits, text) => {
    expect(canonicalize(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, '\ud800'])('%j is refused', (value) => {
    expect(() => canonicalize({ value })).toThrow();
  });
});

describe('a line', () => {
  test('is what canonicalize makes of its record, whatever it says', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(
        text,
        text,
        fc.nat(),
        fc.option(text, { nil: undefined }),
        (chain, step, seq, error_type) => {
          const some = { ...record, chain, step, seq, ...(error_type === undefined ? {} : { error_type }) };
          const line = recordLine(some);
          expect(line).toBe(canonicalize(some));
          expect(parseLine(line)).toEqual({ record: some });
        },
      ),
    );
  });

  test('is refused for text that is not Unicode', () => {
    expect(() => recordLine({ ...record, chain: '\ud800' })).toThrow(RangeError);
    const line = recordLine(record).replace('"chain":"main"', String.raw`"chain":"\ud800"`);
    expect(parseLine(line)).toEqual({ fault: 'is not in canonical form (RFC 8785)' });
  });

  const line = recordLine(record);
  test.each([
    ['not JSON', `${line}}`],
    ['a space', line.replace(',', ', ')],
    ['another order', line.replace(/^\{("actor":"conserver"),(.*)\}$/, '{$2,$1}')],
    ['a key twice', line.replace('{', '{"actor":"conserver",')],
    ['an unknown key', line.replace('{', '{"aaa":1,')],
    ['a number in another form', line.replace('"seq":0', '"seq":0.0')],
    ['an escape that is not needed', line.replace('main', String.raw`m\u0061in`)],
    ['an event that there is not', line.replace('chain_start', 'chain_pause')],
    ['a missing key', line.replace('"actor":"conserver",', '')],
    ['no object', '[]'],
    ['null', 'null'],
    ['a prototype', line.replace('{', '{"__proto__":{},')],
  ])('with %s is no record', (_, text) => {
    expect(text).not.toBe(line);
    expect(parseLine(text)).toHaveProperty('fault');
  });
});
