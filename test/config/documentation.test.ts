import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { VARIABLE_NAMES } from '../../src/config/variables.ts';
import { loadConfig } from '../../src/config.ts';
import { schemaKeys } from './schema-keys.ts';

const page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

it('the page lists exactly the keys of the schema', () => {
  expect(firstColumn('## Keys').toSorted()).toEqual([...schemaKeys()].toSorted());
});

it('the page lists exactly the environment variables that are read', () => {
  expect(firstColumn('## Environment variables').toSorted()).toEqual([...VARIABLE_NAMES].toSorted());
});

it('the defaults on the page are the schema’s', async () => {
  const { config } = await loadConfig(undefined, {});
  const rows = new Map(
    tableRows('## Keys').map(([key = '', , value = '']) => [unquoted(key), unquoted(value)]),
  );
  expect(rows.get('service_name')).toBe(config.service_name);
  expect(rows.get('log_level')).toBe(config.log_level);
  expect(rows.get('journal.capacity')).toBe(String(config.journal.capacity));
  expect(rows.get('health.host')).toBe(config.health.host);
  expect(rows.get('health.port')).toBe(String(config.health.port));
});

it('the example on the page is valid', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vcon-otel-docs-'));
  try {
    const file = join(directory, 'config.yml');
    await writeFile(file, /```yaml\n(.*?)```/s.exec(page)?.[1] ?? 'no: example');
    const { config } = await loadConfig(file, { AUDIT_KEY: '1' });
    expect(config.exporters.prometheus).toEqual({ host: '127.0.0.1', port: 9464 });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

function firstColumn(heading: string): string[] {
  return tableRows(heading).map(([first = '']) => unquoted(first));
}

function tableRows(heading: string): string[][] {
  const section = page.split(`${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function unquoted(cell: string): string {
  return cell.replaceAll('`', '');
}
