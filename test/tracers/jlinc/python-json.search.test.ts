import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { JlincError } from '../../../src/tracers/jlinc/failure.ts';
import { pythonJson } from '../../../src/tracers/jlinc/python-json.ts';
import { runs } from '../../support/search.ts';
import { RandomJson } from './random-json.ts';

const dumps = (text: string) => Buffer.from(pythonJson(text)).toString('latin1');
const sha256 = (text: string) => createHash('sha256').update(pythonJson(text)).digest('hex');

test('the golden document has the golden hash', () => {
  const text = String.raw`{"a": 1.0, "b": 507, "c": "é—😀", "d": 1e-07, "e": 1e+16, "f": [1, 2.5], "g": null, "h": true, "i": "/<>&\u007f\u2028"}`;
  expect(sha256(text)).toBe('a9dd4702f1c574726e0c4e1a1fb3fc5463c72f6d62663e71c903aa1cc375ac47');
});

test.each([
  [' [ 1 ,2 ]\n', '[1, 2]'],
  ['{"a":1}', '{"a": 1}'],
  ['{}', '{}'],
  ['[ ]', '[]'],
  ['1.0', '1.0'],
  ['1.50', '1.5'],
  ['1e2', '100.0'],
  ['1e15', '1000000000000000.0'],
  ['1e16', '1e+16'],
  ['123456789012345678.0', '1.2345678901234568e+17'],
  ['0.0001', '0.0001'],
  ['0.00001', '1e-05'],
  ['1e-7', '1e-07'],
  ['5e-324', '5e-324'],
  ['1e400', 'Infinity'],
  ['-1e400', '-Infinity'],
  ['-0', '0'],
  ['-0.0', '-0.0'],
  ['0e5', '0.0'],
  ['123456789012345678901234567890', '123456789012345678901234567890'],
  ['[NaN,Infinity,-Infinity]', '[NaN, Infinity, -Infinity]'],
  ['{"2":0,"1":0}', '{"2": 0, "1": 0}'],
  ['{"a":1,"b":2,"a":3}', '{"a": 3, "b": 2}'],
  ['{"a":1,"\\u0061":{"z":1,"z":[2]}}', '{"a": {"z": [2]}}'],
  ['{"__proto__":1}', '{"__proto__": 1}'],
  ['"é😀\u2028"', '"\\u00e9\\ud83d\\ude00\\u2028"'],
  ['"\\ud800\\/\\u001F\\u0041"', '"\\ud800/\\u001fA"'],
  ['"\u007f"', '"\\u007f"'],
])('%s is written %s', (text, written) => expect(dumps(text)).toBe(written));

test.each([
  '',
  ' ',
  '[1,]',
  '[,1]',
  '[1 2]',
  '{"a"}',
  '{"a":1,}',
  '{a:1}',
  '01',
  '1.',
  '.5',
  '+1',
  '--1',
  '-',
  '1e',
  '"a',
  '"\n"',
  '"\\x"',
  '"\\u12"',
  "'a'",
  'nul',
  'NAN',
  '[1]]',
  '\ufeff1',
  `1${'0'.repeat(4_300)}`,
  '['.repeat(100_000),
  '{"a":'.repeat(100_000),
])('a text that is not JSON is refused for good, unquoted (%#)', (text) => {
  expect(() => pythonJson(text)).toThrow(
    new JlincError('VCON_INVALID', 'the document is not JSON as Python reads it', { permanent: true }),
  );
});

test('long texts have room', () => {
  for (const piece of ['x', '語', '\\u0000', '"', '😀'])
    for (const length of [1, 7, 8, 9, 63, 64, 65, 1_000, 100_000]) {
      const text = JSON.stringify([piece.repeat(length), 1.5, { [piece.repeat(length)]: [piece] }]);
      expect(JSON.parse(dumps(text))).toEqual(JSON.parse(text));
    }
});

const python3 = spawnSync('python3', ['--version']).status === 0;
const vcons = join(import.meta.dirname, '../../../../shared/vcons');

const READS_LINES = `
import json, sys
for line in sys.stdin:
    text = json.loads(line)
    try:
        print(json.dumps(json.loads(text)))
    except ValueError:
        print("refused")
`;

/** What Python makes of texts; one process for all. */
async function byPython(texts: readonly string[]): Promise<string[]> {
  const child = spawn('python3', ['-c', READS_LINES], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PYTHONIOENCODING: 'utf-8' },
    timeout: 60_000,
  });
  child.stdin.end(texts.map((text) => `${JSON.stringify(text)}\n`).join(''));
  return (await readAll(child.stdout)).split('\n').slice(0, -1);
}

function byUs(text: string): string {
  try {
    return dumps(text);
  } catch {
    return 'refused';
  }
}

describe.skipIf(!python3)('as python3 does it (skipped where there is none)', () => {
  test('on thousands of random texts', async () => {
    const random = new RandomJson(20_261_124);
    const texts = Array.from({ length: runs(25_000) }, () => random.text());
    const expected = await byPython(texts);
    expect(expected.length).toBe(texts.length);
    const different = texts.filter((text, i) => byUs(text) !== expected[i]);
    expect(different.slice(0, 3)).toEqual([]);
    const refused = expected.filter((line) => line === 'refused').length;
    expect(refused).toBeGreaterThan(runs(1_000));
    expect(refused).toBeLessThan(runs(5_000));
  });

  test.skipIf(!existsSync(vcons))('on genuine vCons (skipped where ../shared is not there)', async () => {
    const texts = readdirSync(vcons).map((file) => readFileSync(join(vcons, file), 'utf8'));
    expect(texts.map(byUs)).toEqual(await byPython(texts));
  });
});
