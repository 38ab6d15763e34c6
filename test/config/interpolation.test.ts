import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ConfigError } from '../../src/config/load-config.ts';
import { readYaml } from '../../src/config/yaml.ts';

function read(text: string, env: Record<string, string> = {}): unknown {
  const { value, faults } = readYaml(text, env);
  expect(faults).toEqual([]);
  return value;
}

describe('a variable', () => {
  it.each<[string, string, Record<string, string>, unknown]>([
    ['is filled in', `a: \${X}`, { X: 'one' }, 'one'],
    ['is filled in within a text', `a: "-\${X}-\${Y}-"`, { X: '1', Y: '2' }, '-1-2-'],
    ['has a default', `a: \${X:-one}`, {}, 'one'],
    ['has a default for when it is empty', `a: "\${X:-one}"`, { X: '' }, 'one'],
    ['has no need of its default when set', `a: \${X:-one}`, { X: 'two' }, 'two'],
    ['may have an empty default', `a: "\${X:-}"`, {}, ''],
    [
      'may have an address as its default',
      `a: "\${X:-redis://127.0.0.1:6379}"`,
      {},
      'redis://127.0.0.1:6379',
    ],
    ['may be set and empty', `a: "\${X}"`, { X: '' }, ''],
    ['is a number where unquoted', `a: \${X}`, { X: '9464' }, 9464],
    ['is a number by default where unquoted', `a: \${X:-9464}`, {}, 9464],
    ['is a boolean where unquoted', `a: \${X}`, { X: 'true' }, true],
    ['is null where unquoted and empty', `a: \${X}`, { X: '' }, null],
    ['is a string in double quotes', `a: "\${X}"`, { X: '9464' }, '9464'],
    ['is a string in single quotes', `a: '\${X}'`, { X: 'true' }, 'true'],
    ['is a string in a block', `a: |\n  \${X}\n`, { X: '1' }, '1\n'],
    ['is a string where tagged as one', `a: !!str \${X}`, { X: '1' }, '1'],
    ['is not looked for in what was filled in', `a: \${X}`, { X: `\${Y}`, Y: 'no' }, `\${Y}`],
    ['is left alone where escaped', `a: $\${X}`, { X: 'no' }, `\${X}`],
    ['is not looked for behind a mere dollar', 'a: $X $', { X: 'no' }, '$X $'],
    ['is not looked for in comments', `a: 1 # \${NOWHERE}`, {}, 1],
  ])('%s', (_, text, env, expected) => {
    expect(read(text, env)).toEqual({ a: expected });
  });

  it('reaches every place an alias leads to', () => {
    expect(read(`a: &a\n  k:\n    - \${X}\nb: *a`, { X: '1' })).toEqual({ a: { k: [1] }, b: { k: [1] } });
  });

  it.each<[string, string, string]>([
    [
      'that is not set is told by name',
      `a: { b: ["\${NOWHERE}"] }`,
      'environment variable NOWHERE is not set',
    ],
    [
      'that every object inherits is not set',
      `a: { b: ["\${toString}"] }`,
      'environment variable toString is not set',
    ],
    [
      'without a name is told',
      `a: { b: ["\${}"] }`,
      `holds a \${ that begins no variable; $\${ stands for a literal one`,
    ],
    [
      'without an end is told',
      `a: { b: ["\${X"] }`,
      `holds a \${ that begins no variable; $\${ stands for a literal one`,
    ],
  ])('%s', (_, text, message) => {
    expect(readYaml(text, {}).faults).toEqual([{ path: 'a.b[0]', message }]);
  });

  it('is refused in a key', () => {
    expect(readYaml(`"\${X}": 1`, { X: 'a' }).faults).toEqual([
      { path: `["\${X}"]`, message: 'a key cannot hold a variable' },
    ]);
  });
});

describe('a file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vcon-otel-secret-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each([
    ['as it is', 'a secret: {x} #é', 'a secret: {x} #é'],
    ['without the line end at its end', 'line\n', 'line'],
    ['without one of Windows', 'line\r\n', 'line'],
    ['with all other line ends', '\none\ntwo\n\n', '\none\ntwo\n'],
    ['whatever looks like a variable in it', `\${X} \${file:x}`, `\${X} \${file:x}`],
    ['even if there is nothing in it', '', ''],
  ])('is filled in %s, and is a secret', async (_, contents, expected) => {
    await writeFile(join(folder, 'key'), contents);
    const { value, faults, secretPaths } = readYaml(`a: { b: "<\${file:${folder}/key}>" }`, {});
    expect({ value, faults }).toEqual({ value: { a: { b: `<${expected}>` } }, faults: [] });
    expect([...secretPaths]).toEqual(['a.b']);
  });

  it.each([
    ['is missing', 'nothing', 'names a file that cannot be read (ENOENT)'],
    ['is a folder', '', 'names something that is not a file'],
    ['is large', 'large', 'names a file of more than 65536 bytes'],
    ['is not text', 'bytes', 'names a file that cannot be read (ERR_ENCODING_INVALID_ENCODED_DATA)'],
  ])('that %s is told without its name', async (_, name, message) => {
    await writeFile(join(folder, 'large'), 'x'.repeat(65_537));
    await writeFile(join(folder, 'bytes'), Buffer.from([0xff]));
    expect(readYaml(`a: [1, "\${file:${folder}/${name}}"]`, {}).faults).toEqual([{ path: 'a[1]', message }]);
  });
});

describe('whatever a variable holds', () => {
  const yamlish = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'{}[]:,-#&*!|>\'"%@`?~<\n\t \\0a.$') }),
    fc.constantFrom(
      'a: b',
      '- x',
      '{a: 1}',
      '[1]',
      '*anchor',
      '&a x',
      '<<: *a',
      '!!set {a}',
      '---\nb: 1',
      '"',
      '__proto__: 1',
    ),
  );
  const template = `
q: "\${X}"
s: '<\${X}>'
p: \${X}
list: [1, "\${X}"]
anchor: &anchor { k: "\${X}" }
copy: { <<: *anchor, own: 1 }
block: |
  \${X}
last: true
`;

  it('it stays one value: no key, list or alias can come of it', () => {
    fc.assert(
      fc.property(yamlish, (x) => {
        const { p, ...rest } = read(template, { X: x }) as Record<string, unknown>;
        expect(rest).toEqual({
          q: x,
          s: `<${x}>`,
          list: [1, x],
          anchor: { k: x },
          copy: { k: x, own: 1 },
          block: `${x}\n`,
          last: true,
        });
        expect(typeof p === 'object' ? p : 'one value').toSatisfy(
          (value) => value === null || value === 'one value',
        );
      }),
      { numRuns: 300 },
    );
  });

  it('an unquoted one is read as YAML reads a value of one word', () => {
    const word = fc.oneof(
      fc.double().map(String),
      fc.integer().map(String),
      fc.stringMatching(/^[A-Za-z0-9.+_~-]{1,12}$/),
      fc.constantFrom(
        'true',
        'False',
        'NULL',
        '~',
        '0x1F',
        '0o17',
        '.inf',
        '-.INF',
        '.nan',
        '1e3',
        'yes',
        '007',
      ),
    );
    fc.assert(
      fc.property(word, (x) => {
        const expected = readable(`a: ${x}`);
        fc.pre(expected !== undefined);
        expect(read(`a: \${X}`, { X: x })).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

it('what is no variable reads as the YAML library reads it', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab1:-[]{}, \n"\'#|>') }), (text) => {
      const expected = readable(text);
      fc.pre(expected !== undefined);
      let value: unknown;
      try {
        value = readYaml(text, {}).value;
      } catch (error) {
        // Keys that are no strings are the one thing we refuse and the library's defaults do not.
        expect(error).toBeInstanceOf(ConfigError);
        return;
      }
      expect(value).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});

function readable(text: string): unknown {
  try {
    return parse(text, { logLevel: 'error' });
  } catch {
    return undefined;
  }
}
