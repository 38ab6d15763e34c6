import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type ConfigInput, deliverySettings, loadConfig, parseConfig } from '../../src/config/load-config.ts';
import { VARIABLE_NAMES } from '../../src/config/variables.ts';
import { deliveryPolicy } from '../../src/delivery/delivery-policy.ts';
import { schemaKeys } from './schema-keys.ts';

const page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

/** Of each key, as the page has it; where it differs in some cases, what holds in the others. */
const defaults = new Map(
  tableRows('## Keys').map(([key = '', , value = '']) => [
    unquoted(key),
    unquoted(value.split(/[;,]/)[0] ?? ''),
  ]),
);

it('the page lists exactly the keys of the schema', () => {
  expect(firstColumn('## Keys').toSorted()).toEqual([...schemaKeys()].toSorted());
});

it('the page lists exactly the environment variables that are read', () => {
  expect(firstColumn('## Environment variables').toSorted()).toEqual([...VARIABLE_NAMES].toSorted());
});

it('the defaults on the page are the schema’s', async () => {
  const { config } = await loadConfig(undefined, {});
  expect(defaults.get('service_name')).toBe(config.service_name);
  expect(defaults.get('log_level')).toBe(config.log_level);
  expect(defaults.get('health.host')).toBe(config.health?.host);
  expect(defaults.get('health.port')).toBe(String(config.health?.port));
  const keys = ['path', 'retention', 'max_size', 'on_full'] as const;
  const written = Object.fromEntries(keys.map((key) => [key, defaults.get(`journal.${key}`)]));
  const journal = { type: 'sqlite', ...written } as ConfigInput['journal'];
  expect(parseConfig({ journal }, {}).config.journal).toEqual(config.journal);
  expect(parseConfig({ journal: { type: 'memory' } }, {}).config.journal).toMatchObject({
    capacity: Number(defaults.get('journal.capacity')),
  });
});

it('the defaults of delivery on the page are the bridge’s', () => {
  const at = (key: string) => defaults.get(`tracers.<name>.delivery.${key}`) ?? '';
  const delivery = {
    concurrency: Number(at('concurrency')),
    timeout: at('timeout'),
    retry: {
      initial_interval: at('retry.initial_interval'),
      max_interval: at('retry.max_interval'),
      max_elapsed_time: at('retry.max_elapsed_time'),
      max_attempts: Number(at('retry.max_attempts')),
    },
    retry_false: at('retry_false') !== 'false',
    chain_wait: at('chain_wait'),
    circuit_breaker: {
      failures: Number(at('circuit_breaker.failures')),
      pause: at('circuit_breaker.pause'),
    },
  };
  const { tracers } = parseConfig(
    { tracers: { mine: { module: { trace: () => {} }, delivery } } },
    {},
  ).config;
  const settings = deliverySettings(tracers.mine?.delivery ?? {});
  expect(deliveryPolicy('mine', settings)).toEqual(deliveryPolicy('mine', {}));
});

it('the example on the page is valid', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vcon-otel-docs-'));
  try {
    const file = join(directory, 'config.yml');
    await writeFile(file, /```yaml\n(service_name.*?)```/s.exec(page)?.[1] ?? 'no: example');
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
