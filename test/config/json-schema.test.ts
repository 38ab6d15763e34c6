import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configJsonSchema } from '../../src/config/json-schema.ts';

const ROOT = join(import.meta.dirname, '../..');

test('config.schema.json is what the schema of the configuration makes (npm run schema)', async () => {
  const file = JSON.parse(await readFile(join(ROOT, 'config.schema.json'), 'utf8'));
  expect(file).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
});

test('it knows each section, the options of our tracers, empty sections, and variables', () => {
  const text = JSON.stringify(configJsonSchema());
  const { properties } = configJsonSchema() as { properties: Record<string, unknown> };
  expect(Object.keys(properties)).toEqual(
    expect.arrayContaining(['tracers', 'chains', 'vcon_store', 'receivers', 'exporters', 'journal', 'admin']),
  );
  expect(text).toContain('"const":"tracers.compliance"');
  expect(text).toContain('"dlq_vcon_on_error"');
  expect(JSON.stringify(properties.receivers)).toContain('"redis_stream"');
  expect(JSON.stringify(properties.admin)).toContain('{"type":"null"}');
  expect(JSON.stringify(properties.log_level)).toContain('\\\\$\\\\{');
});
