import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { type ConfigInput, parseConfig } from '../../src/config/load-config.ts';
import { tracersOf } from '../../src/service/components.ts';
import { componentFaults } from '../../src/service/named-component.ts';
import { runs } from '../support/search.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A validator that knows nothing of ours. Strict: what the schema says must mean something. */
const validate = new Ajv2020({
  strict: true,
  allowUnionTypes: true,
  formats: { uri: (text: string) => URL.canParse(text) },
}).compile(configJsonSchema());

/** What only other files have: of the server, of compose, of a Collector, of a witness (`logs`). */
const OTHERS = ['imports', 'services', 'service', 'groups', 'scrape_configs', 'server', 'logs'];

/** Everything that is shown as a configuration of ours, by where it stands. */
const SHOWN = new Map<string, unknown>();
for await (const file of glob(['README.md', 'docs/**/*.md', 'examples/*.yaml', 'deploy/*.yaml'], {
  cwd: ROOT,
})) {
  const text = await readFile(join(ROOT, file), 'utf8');
  const blocks = file.endsWith('.md') ? yamlBlocks(text) : [text];
  for (const [at, block] of blocks.entries()) {
    const value = parse(block);
    if (value !== null && !OTHERS.some((key) => key in value)) SHOWN.set(`${file} ${at + 1}`, value);
  }
}

describe('config.schema.json', () => {
  test('many configurations are shown', () => {
    expect([...SHOWN.keys()]).toEqual(
      expect.arrayContaining(['README.md 1', 'deploy/adapter.yaml 1', 'examples/vcon-otel.yaml 1']),
    );
    expect(SHOWN.size).toBeGreaterThan(20);
  });

  test.each([...SHOWN])('%s is valid', (_, config) => {
    validate(config);
    expect(validate.errors ?? []).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['nothing in it', {}],
    ['sections with everything commented out', { tracers: null, receivers: { http: null }, journal: null }],
    ['the usual type', { journal: {}, vcon_store: {} }],
    ['a module instead of a type', { vcon_store: { module: './x.ts' } }],
    [
      'variables',
      parse(`{ log_level: "\${A}", vcon_store: { type: "\${B}", url: "\${C}" }, admin: { port: "\${D}" } }`),
    ],
  ])('valid: %s', (_, config) => {
    validate(config);
    expect(validate.errors ?? []).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['a list', []],
    ['an unknown key', { tracer: {} }],
    ['an unknown key of a section', { journal: { type: 'sqlite', pth: 'x' } }],
    ['an unknown type', { journal: { type: 'mysql' } }],
    ['no text', { service_name: 1 }],
    ['an unknown level', { log_level: 'loud' }],
    ['a port that is none', { admin: { port: 70_000 } }],
    ['no URL', { vcon_store: { type: 'redis', url: 'not a url' } }],
    ['a tracer without a module', { tracers: { a: {} } }],
    [
      'an unknown option of a tracer of ours',
      { tracers: { a: { module: 'tracers.audit_log', options: { x: 1 } } } },
    ],
    ['a list of links that is none', { chains: { a: { links: 'tag' } } }],
  ])('not valid: %s', async (_, config) => {
    expect([validate(config), await isAccepted(config)]).toEqual([false, false]);
  });

  test('whatever the program accepts is valid', async () => {
    const seeds = [...SHOWN.values(), { tracers: null, journal: {}, health: {}, receivers: { http: null } }];
    const places = seeds.flatMap((seed) => placesIn(seed).map((path) => ({ seed, path })));
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...places),
        fc.constantFrom(...VALUES),
        async ({ seed, path }, value) => {
          const config = withoutVariables(changed(seed, path, value));
          if (!(await isAccepted(config))) return;
          accepted += 1;
          validate(config);
          expect(validate.errors ?? []).toEqual([]);
        },
      ),
      { numRuns: runs(4_000) },
    );
    expect(accepted).toBeGreaterThan(runs(400) / 4);
  });
});

/** Stands in a place of a configuration; `undefined` takes away what is there. */
const VALUES: readonly unknown[] = [
  undefined,
  null,
  '',
  'x',
  '10s',
  '1GiB',
  '0',
  'redis://127.0.0.1:6379',
  'http://127.0.0.1:4318',
  0,
  1,
  -1,
  1.5,
  70_000,
  true,
  false,
  [],
  ['x'],
  {},
  { x: 1 },
];

function yamlBlocks(page: string): string[] {
  return [...page.matchAll(/^( *)```yaml\n([\s\S]*?)^ *```/gm)].map(([, indent = '', block = '']) =>
    block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
}

/** Whether the program takes it, tracers of ours with their options. */
async function isAccepted(config: unknown): Promise<boolean> {
  try {
    const loaded = parseConfig(config as ConfigInput, {});
    const faults = await Promise.all(tracersOf(loaded).map(componentFaults));
    return faults.flat().length === 0;
  } catch {
    return false;
  }
}

/** The places of all values in a configuration, and one more in each mapping. */
function placesIn(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const inner = Object.entries(value).flatMap(([key, item]) => [
    [key],
    ...placesIn(item).map((path) => [key, ...path]),
  ]);
  return [...inner, ['surplus']];
}

function changed(value: unknown, [key = '', ...rest]: readonly string[], by: unknown): unknown {
  const { [key]: before, ...others } = value as Record<string, unknown>;
  const after = rest.length === 0 ? by : changed(before, rest, by);
  return after === undefined ? others : { ...others, [key]: after };
}

/** What the program sees of `${VARIABLES}` is their values. */
function withoutVariables(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value).replaceAll(
      /\$\{\w+(?::-([^}]*))?\}/g,
      (_, usual) => usual || 'a-value-of-16-chars',
    ),
  );
}
