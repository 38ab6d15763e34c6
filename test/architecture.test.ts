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
    const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.ts'),
    );
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.filter((path) => !rule(path, readFileSync(join(SRC, path), 'utf8')))).toEqual([]);
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

const SRC = join(import.meta.dirname, '../src');
const RE_EXPORT = /^export (?:type )?(?:\*(?: as \w+)?|\{[^}]*\}) from '[^']+';/gm;

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}
