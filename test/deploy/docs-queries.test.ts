import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { unknownMetricsIn } from './known-metrics.ts';
import { ROOT } from './stack-files.ts';
import { checkTraceql } from './traceql.ts';

const PAGES = ['docs/operations.md', 'docs/scale.md'];

/** The blocks of a language in a page. */
function blocksOf(page: string, language: string): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.+?)^\`\`\``, 'gms'))].map(([, block = '']) =>
    block.trim(),
  );
}

test('every PromQL query of the handbook asks for metrics that somebody makes', () => {
  // One to a line.
  const queries = PAGES.flatMap((page) => blocksOf(page, 'promql')).flatMap((block) => block.split('\n'));
  expect(queries.length).toBeGreaterThan(7);
  for (const query of queries) expect(unknownMetricsIn(query), query).toEqual([]);
});

test('every TraceQL query of the handbook is TraceQL', () => {
  const queries = PAGES.flatMap((page) => blocksOf(page, 'traceql'));
  expect(queries.length).toBeGreaterThan(3);
  for (const query of queries) checkTraceql(query);
});

test('what is no TraceQL is found out', () => {
  expect(() => checkTraceql('{ span.vcon.uuid = }')).toThrow('not TraceQL');
});

test('every YAML block of the handbook can be read', () => {
  const blocks = PAGES.flatMap((page) => blocksOf(page, 'yaml'));
  expect(blocks.length).toBeGreaterThan(0);
  for (const block of blocks) expect(parse(block)).toBeTypeOf('object');
});

test('every file, port and variable that the handbook names is there', () => {
  const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
  const handbook = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
  const [table = ''] = /^\| service \|.*?\n\n/ms.exec(handbook) ?? [];
  const variables = [...table.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name);
  expect(variables).toHaveLength(7);
  for (const name of variables) expect(compose).toContain(`\${${name}:-`);
  for (const [, port] of table.matchAll(/`127\.0\.0\.1:(\d+)`/g)) expect(compose).toContain(`:-${port}}:`);
});
