import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';

/*
 * What no linter says of src/. Which folder may import which, and that there are no circles, is in .dependency-cruiser.mjs;
 * names, sizes and who reads the environment are in biome.json; both belong to `npm run lint`.
 */
const SAYS_NOTHING = /(^|[-/])(utils|helpers|common|types|manager|base|impl)[-./]/;

type Rule = (path: string, text: string) => boolean;

const RULES: Readonly<Record<string, Rule>> = {
  'index.ts files, and what is offered to users, only re-export': (path, text) =>
    (basename(path) !== 'index.ts' && (path.includes('/') || path === 'cli.ts')) ||
    withoutComments(text).replace(RE_EXPORT, '').trim() === '',
  'a file name says what is inside': (path) => !SAYS_NOTHING.test(path),
  'only the command line ends the process': (path, text) =>
    /^cli[./]/.test(path) || !/\bprocess\.exit/.test(withoutComments(text)),
  'no check is silenced': (_, text) => !/@ts-(?:ignore|nocheck|expect-error)|biome-ignore/.test(text),
};

describe('src', () => {
  test.each(Object.entries(RULES))('%s', (_, rule) => {
    const sources = sourceFiles();
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.filter((path) => !rule(path, readFileSync(join(SRC, path), 'utf8')))).toEqual([]);
  });

  test('a name that one file exports means nothing else in another', () => {
    const files = new Map<string, Set<string>>();
    for (const path of sourceFiles().filter((path) => !path.endsWith('.d.ts')))
      for (const [, name = ''] of readFileSync(join(SRC, path), 'utf8').matchAll(EXPORTED))
        files.set(name, (files.get(name) ?? new Set()).add(path));
    expect(files.size).toBeGreaterThan(1_000);
    const several = [...files].filter(([name, { size }]) => size > 1 && !PARTS_OF_A_COMPONENT.has(name));
    expect(several.map(([name, paths]) => [name, ...paths])).toEqual([]);
  });

  test.each([
    ['index.ts', "export { x } from './x.ts';\nx();"],
    ['bridge/span-utils.ts', ''],
    ['service/x.ts', 'process.exit(1);'],
    ['service/x.ts', '// @ts-ignore'],
  ])('what breaks a rule is found: %s %s', (path, text) => {
    expect(Object.values(RULES).filter((rule) => !rule(path, text))).toHaveLength(1);
  });
});

function sourceFiles(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
}

/** Each component has them, and its definition is put together of them. */
const PARTS_OF_A_COMPONENT = new Set(['options', 'probe', 'mentions', 'erase']);

const EXPORTED =
  /^export (?:async )?(?:abstract )?(?:function\*?|class|const|let|type|interface|enum) (\w+)/gm;
const SRC = join(import.meta.dirname, '../src');
const RE_EXPORT = /^export (?:type )?(?:\*(?: as \w+)?|\{[^}]*\}) from '[^']+';/gm;

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}
