import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { basicTracer } from './basic-tracer.ts';
import { concepts } from './concepts.ts';
import { interfaceItems } from './interface.ts';
import { jlincItems } from './jlinc.ts';
import { openTelemetry } from './open-telemetry.ts';
import { patterns } from './patterns.ts';
import { practices } from './practices.ts';
import { useCases } from './use-cases.ts';

const items = [
  ...interfaceItems,
  ...basicTracer,
  ...patterns,
  ...concepts,
  ...jlincItems,
  ...useCases,
  ...practices,
  ...openTelemetry,
].sort((one, other) => (one.id < other.id ? -1 : 1));

const root = join(import.meta.dirname, '../..');
const page = await readFile(join(root, 'docs/from-the-documentation.md'), 'utf8');

/** Rows `| A01 | there | here | what differs, and why |`. */
const rows = [...page.matchAll(/^\| ([A-C]\d\d) \|([^|\n]+)\|([^|\n]+)\|([^|\n]*)\|$/gm)].map(
  ([, id = '', there = '', here = '', reason = '']) => ({ id, there, here, reason: reason.trim() }),
);

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('what the conserver’s pages on tracers say', () => {
  test.each(items)('$id: $says', ({ tried }) => tried());
});

describe('docs/from-the-documentation.md', () => {
  test('has one row for each statement that is tried', () => {
    const count = (letter: string, of: number) =>
      Array.from({ length: of }, (_, i) => `${letter}${String(i + 1).padStart(2, '0')}`);
    const all = [...count('A', 69), ...count('B', 71), ...count('C', 9)];
    expect(items.map(({ id }) => id)).toEqual(all);
    expect(rows.map(({ id }) => id).toSorted()).toEqual(all);
  });

  test('gives a reason for each difference, and none where there is no difference', () => {
    const reasons = Object.fromEntries(rows.map(({ id, reason }) => [id, reason !== '']));
    expect(reasons).toEqual(Object.fromEntries(items.map(({ id, differs }) => [id, differs])));
  });

  test('links to nothing that is not there', async () => {
    for (const [, target = ''] of page.matchAll(/\]\((?!http)([^)#]+)/g))
      await expect(readFile(join(root, 'docs', target), 'utf8'), target).resolves.toBeTypeOf('string');
  });
});
