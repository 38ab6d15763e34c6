import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { validated } from './configured.ts';

/** The conserver's pages as they are; they are not copied into the project. */
const PAGES = join(import.meta.dirname, '../../../shared/documentation');
const NAMES = ['creating-tracers.txt', 'conserver-tracers.txt'];
const missing = NAMES.filter((name) => !existsSync(join(PAGES, name)));

/** The blocks of YAML, whether they say so or not. */
function blocks(): string[] {
  if (missing.length > 0) return [];
  return NAMES.flatMap((name) =>
    [...readFileSync(join(PAGES, name), 'utf8').matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
      .filter(([, language = '', text = '']) => /^(yaml)?$/.test(language) && /^tracers:$/m.test(text))
      .map(([, , text = '']) => text),
  );
}

/** A fault that says what to fill in, or what to do. */
const ANSWER = /is required|name your file|did you mean|such as|expected one of|vcon_store: \{ type/;

describe.skipIf(missing.length > 0)(
  'the blocks of the conserver’s pages, pasted (skipped where ../shared/documentation is not there)',
  () => {
    test('there are four', () => expect(blocks()).toHaveLength(4));

    test.each(blocks().map((text, i) => [i + 1, text] as const))(
      'block %i is accepted, or answered with what to fill in',
      async (_number, text) => {
        const { code, lines } = await validated(text);
        const faults = lines.filter((line) => line.startsWith('✗'));
        expect(code === 0).toBe(faults.length === 0);
        for (const fault of faults) expect(fault).toMatch(ANSWER);
      },
    );

    test('each is accepted once a file and a store of documents are there', async () => {
      const files = Object.fromEntries(
        ['my_tracer', 'module_name'].map((name) => [
          `tracers/${name}/index.mjs`,
          'export const trace = () => {};',
        ]),
      );
      for (const text of blocks()) {
        const { code, lines } = await validated(`${text}\nvcon_store: { type: directory, path: . }\n`, files);
        expect([lines, code]).toEqual([lines.filter((line) => !line.startsWith('✗')), 0]);
      }
    });
  },
);
