import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, type Env, type LoadedConfig, loadConfig } from '../../src/config/load-config.ts';
import { otlpUrls } from '../../src/exporters/otlp/urls.ts';
import type { Fault } from '../../src/model/fault.ts';

const CANARY = 'canary-7f3a';

let directory: string;
let file: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vcon-otel-config-'));
  file = join(directory, 'config.yml');
});

afterAll(() => rm(directory, { recursive: true, force: true }));

async function load(text: string | Uint8Array, env: Env = {}): Promise<LoadedConfig> {
  await writeFile(file, text);
  return loadConfig(file, env);
}

async function failure(text: string | Uint8Array, env: Env = {}): Promise<ConfigError> {
  const error = await load(text, env).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ConfigError) return error;
  throw new Error('no ConfigError', { cause: error });
}

/** Without where they stand. */
async function faults(text: string | Uint8Array, env: Env = {}): Promise<readonly Fault[]> {
  return (await failure(text, env)).faults.map(({ path, message }) => ({ path, message }));
}

const DEFAULTS = {
  service_name: 'conserver',
  log_level: 'info',
  shutdown_timeout: 25_000,
  tracers: {},
  chains: {},
  vcon_store: { type: 'memory' },
  receivers: {
    assembler: {
      settle: 10_000,
      timeout: 900_000,
      max_runs: 100_000,
      oldest: 2_678_400_000,
      ahead: 3_600_000,
    },
  },
  exporters: {},
  journal: {
    type: 'sqlite',
    path: './data/journal.db',
    retention: 86_400_000,
    max_size: 1_073_741_824,
    on_full: 'block',
  },
  health: { host: '127.0.0.1', port: 4419 },
};

describe('what may be left out', () => {
  it.each([
    ['an empty file', ''],
    ['a file of comments', '# nothing\n'],
    ['null sections', 'tracers:\nchains:\nvcon_store:\nexporters:\njournal:\nhealth:\n'],
    ['empty sections', 'tracers: {}\nvcon_store: {}\njournal: {}\nexporters: {}'],
  ])('%s means the defaults', async (_, text) => {
    expect((await load(text)).config).toEqual(DEFAULTS);
  });

  it('no file means the defaults', async () => {
    expect((await loadConfig(undefined, {})).config).toEqual(DEFAULTS);
  });

  it('an exporter with an empty section is on, with its defaults', async () => {
    expect((await load('exporters: { prometheus: }')).config.exporters).toEqual({
      prometheus: { host: '127.0.0.1', port: 9464 },
    });
  });

  it('null options, lists and chains are empty ones', async () => {
    const { config } = await load(
      'tracers: { t: { module: m, options: , pip_name: } }\nchains:\n  a:\n  b:\n    tracers:\n',
    );
    expect(config.tracers.t).toEqual({ module: 'm', options: {}, pip_name: null });
    expect(config.chains).toEqual({ a: {}, b: { tracers: [] } });
  });

  it('a byte order mark is not part of the first key', async () => {
    expect((await load('\uFEFFservice_name: a')).config.service_name).toBe('a');
  });
});

describe('what is read', () => {
  it('the conserver’s own blocks, as they are', async () => {
    const { config, directory: base } = await load(`
tracers:
  mine: { module: ./tracer.ts, pip_name: some-package, options: { nested: { list: [1, true, null] } } }
chains:
  main:
    links: [transcribe, analyze]
    storages: [postgres]
    ingress_lists: [in]
    egress_lists: [out]
    tracers: [mine]
    enabled: 1
    timeout: 30
`);
    expect(config.tracers.mine?.options).toEqual({ nested: { list: [1, true, null] } });
    expect(config.chains.main).toEqual({
      links: ['transcribe', 'analyze'],
      storages: ['postgres'],
      ingress_lists: ['in'],
      egress_lists: ['out'],
      tracers: ['mine'],
      enabled: 1,
      timeout: 30,
    });
    expect(base).toBe(directory);
  });

  it('exporters and a store of one’s own, whose options are theirs to check', async () => {
    const { config } = await load(`
exporters:
  mine: { module: ./mine.ts, options: { anything: [1] } }
  keystore: { module: some-package }
vcon_store: { module: ./store.ts }
`);
    expect(config.exporters).toEqual({
      mine: { module: './mine.ts', options: { anything: [1] } },
      keystore: { module: 'some-package', options: {} },
    });
    expect(config.vcon_store).toEqual({ type: 'module', module: './store.ts', options: {} });
  });

  it('a vCon store that is not named is the Redis of the conserver, where that is known', async () => {
    const store = async (text: string, env: Env = {}) => (await load(text, env)).config.vcon_store;
    const at = (url: string) => ({ type: 'redis', url });
    expect(await store('', { REDIS_URL: ' ' })).toEqual({ type: 'memory' });
    expect(await store('', { REDIS_URL: 'redis://r:1/2' })).toEqual(at('redis://r:1/2'));
    expect(await store('vcon_store:\nconserver_config: c.yml', { REDIS_URL: 'rediss://r' })).toEqual(
      at('rediss://r'),
    );
    expect(await store('conserver_config: c.yml')).toEqual(at('redis://localhost:6379'));
    expect(await store('vcon_store: { type: memory }', { REDIS_URL: 'redis://r' })).toEqual({
      type: 'memory',
    });
    expect(await faults('', { REDIS_URL: `http://${CANARY}` })).toEqual([
      { path: 'REDIS_URL', message: 'expected a redis:// or rediss:// URL' },
    ]);
    const { environment } = await load('', { REDIS_URL: 'redis://r' });
    expect(environment.variables).toEqual(['REDIS_URL']);
  });

  it('an endpoint for each signal', async () => {
    const endpoints = { traces_endpoint: 'http://h/t', metrics_endpoint: 'http://h/m' };
    const { config } = await load(`exporters: { otlp: ${JSON.stringify(endpoints)} }`);
    expect(otlpUrls(config.exporters.otlp ?? {})).toEqual({ traces: 'http://h/t', metrics: 'http://h/m' });
  });

  it('anchors and merge keys', async () => {
    const { config } = await load(
      'chains:\n  a: &a { links: [x], enabled: true }\n  b: { <<: *a, links: [y] }\n',
    );
    expect(config.chains.b).toEqual({ links: ['y'], enabled: true });
  });

  it('a name that every object inherits is found only where it was configured', async () => {
    const { config } = await load('chains: { main: }');
    expect(config.chains.toString).toBeUndefined();
    expect(config.tracers.hasOwnProperty).toBeUndefined();
  });
});

describe('every fault names its path', () => {
  it.each<[string, string, Fault[]]>([
    [
      'an unknown key, with what was meant',
      'helth: {}',
      [{ path: 'helth', message: 'unknown key, did you mean `health`?' }],
    ],
    ['an unknown key like no other', 'elephant: 1', [{ path: 'elephant', message: 'unknown key' }]],
    [
      'several unknown keys',
      'tracers: { t: { module: m, option: {}, zebra: 1 } }',
      [
        { path: 'tracers.t.option', message: 'unknown key, did you mean `options`?' },
        { path: 'tracers.t.zebra', message: 'unknown key' },
      ],
    ],
    [
      'a wrong type',
      'exporters: { prometheus: { port: "9464" } }',
      [{ path: 'exporters.prometheus.port', message: 'expected number, got string' }],
    ],
    [
      'a scalar that is null',
      'service_name:',
      [{ path: 'service_name', message: 'expected string, got nothing' }],
    ],
    [
      'a fraction, infinity and a port too high',
      'journal: { type: memory, capacity: 1.5 }\nexporters: { prometheus: { port: .inf } }\nhealth: { port: 65536 }',
      [
        { path: 'exporters.prometheus.port', message: 'expected number, got no finite number' },
        { path: 'journal.capacity', message: 'expected whole number, got number' },
        { path: 'health.port', message: 'must be at most 65535' },
      ],
    ],
    [
      'a capacity of nothing',
      'journal: { type: memory, capacity: 0 }',
      [{ path: 'journal.capacity', message: 'must be more than 0' }],
    ],
    ['a missing module', 'tracers: { t: }', [{ path: 'tracers.t.module', message: 'is required' }]],
    [
      'an empty module',
      'tracers: { t: { module: "" } }',
      [{ path: 'tracers.t.module', message: 'expected a path or a package name' }],
    ],
    [
      'a tracer that is not defined',
      'tracers: { t: { module: m } }\nchains: { main: { tracers: [t, u, toString] } }',
      [
        { path: 'chains.main.tracers[1]', message: 'no such tracer under tracers' },
        { path: 'chains.main.tracers[2]', message: 'no such tracer under tracers' },
      ],
    ],
    [
      'a tracer that is not defined beside another fault',
      'chains: { main: { tracers: [u] } }\nelephant: 1',
      [
        { path: 'elephant', message: 'unknown key' },
        { path: 'chains.main.tracers[0]', message: 'no such tracer under tracers' },
      ],
    ],
    [
      'an empty name',
      'chains: { "": { links: [a] } }',
      [{ path: 'chains[""]', message: 'a name must not be empty' }],
    ],
    [
      'a name that needs quotes',
      'chains: { "a.b": { link: [] } }',
      [{ path: 'chains["a.b"].link', message: 'unknown key, did you mean `links`?' }],
    ],
    [
      'an unknown kind of store',
      'vcon_store: { type: sql }',
      [{ path: 'vcon_store.type', message: 'expected one of redis, directory, memory' }],
    ],
    [
      'a store without its type',
      'vcon_store: { url: redis://h }',
      [{ path: 'vcon_store.type', message: 'expected one of redis, directory, memory' }],
    ],
    [
      'a store without its place',
      'vcon_store: { type: redis }',
      [{ path: 'vcon_store.url', message: 'is required' }],
    ],
    [
      'a URL of another kind',
      'vcon_store: { type: redis, url: "http://h" }\nexporters: { otlp: { endpoint: "h:4317" } }',
      [
        { path: 'vcon_store.url', message: 'expected a redis:// or rediss:// URL' },
        { path: 'exporters.otlp.endpoint', message: 'expected an http:// or https:// URL' },
      ],
    ],
    [
      'an exporter whose keys have no defaults',
      'exporters: { otlp: , otlp_file: }',
      [
        { path: 'exporters.otlp.endpoint', message: 'is required' },
        { path: 'exporters.otlp_file.path', message: 'is required' },
      ],
    ],
    [
      'an exporter of a name that is almost one of ours, and one that is none',
      'exporters: { prometeus: { port: 1 }, mine: { modul: ./mine.ts }, other: , otlp_file: }',
      [
        { path: 'exporters.otlp_file.path', message: 'is required' },
        { path: 'exporters.prometeus', message: 'unknown key, did you mean `prometheus`?' },
        { path: 'exporters.mine', message: 'unknown key; a component of your own needs a `module`' },
        { path: 'exporters.other', message: 'unknown key; a component of your own needs a `module`' },
      ],
    ],
    [
      'an exporter of one’s own that is written wrongly',
      'exporters: { "a b": { module: ./a.ts, option: {} }, mine: { module: 7 } }',
      [
        { path: 'exporters["a b"].option', message: 'unknown key, did you mean `options`?' },
        { path: 'exporters.mine.module', message: 'expected a path or a package name' },
      ],
    ],
    [
      'an OTLP exporter that goes nowhere',
      'exporters: { otlp: { headers: { a: b } } }',
      [{ path: 'exporters.otlp.endpoint', message: 'is required' }],
    ],
    [
      'a store of one’s own with the keys of another',
      'vcon_store: { module: ./s.ts, url: "redis://h" }',
      [{ path: 'vcon_store.url', message: 'unknown key' }],
    ],
    [
      'a store that is two',
      'vcon_store: { type: memory, module: ./s.ts }',
      [{ path: 'vcon_store.module', message: 'unknown key' }],
    ],
    [
      'a receiver of records that knows no Redis',
      'receivers: { redis_stream: }\nvcon_store: { module: ./s.ts }',
      [{ path: 'receivers.redis_stream.url', message: 'is required unless vcon_store is a Redis' }],
    ],
    [
      'a journal that forgets sooner than runs are given up',
      'receivers: { http: , assembler: { timeout: 2h } }\njournal: { type: sqlite, retention: 1h }',
      [
        {
          path: 'journal.retention',
          message: 'must be longer than receivers.assembler.timeout: repeats are recognised by what is kept',
        },
      ],
    ],
    [
      'a word that is not a switch',
      'chains: { main: { enabled: yes } }',
      [{ path: 'chains.main.enabled', message: 'expected true, false or a number' }],
    ],
    [
      'a list for a mapping, and a mapping for a list',
      'tracers: [a]\nchains: { main: { links: {} } }',
      [
        { path: 'tracers', message: 'expected mapping, got list' },
        { path: 'chains.main.links', message: 'expected list, got mapping' },
      ],
    ],
    [
      'a document that is no mapping',
      '- a',
      [{ path: 'configuration', message: 'expected mapping, got list' }],
    ],
  ])('%s', async (_, text, expected) => {
    expect(await faults(text)).toEqual(expected);
  });

  it.each(['__proto__', 'constructor', 'prototype'])(
    '%s is refused as a name, at any depth',
    async (name) => {
      const text = `${name}: 1\ntracers: { ${name}: { module: m }, t: { module: m, options: { a: [{ ${name}: {} }] } } }\nchains: { ${name}: }`;
      const message = 'this name is not allowed';
      expect(await faults(text)).toEqual([
        { path: name, message },
        { path: `tracers.${name}`, message },
        { path: `tracers.t.options.a[0].${name}`, message },
        { path: `chains.${name}`, message },
      ]);
    },
  );

  it('its code and first path are the error’s own', async () => {
    const error = await failure('elephant: 1\nzebra: 2');
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', path: 'elephant', name: 'ConfigError' });
    expect(error.message).toBe(
      'elephant: unknown key (line 1, column 1)\nzebra: unknown key (line 2, column 1)',
    );
  });
});

describe('what is not YAML', () => {
  it.each<[string, string, Fault]>([
    [
      'a key that appears twice',
      'a: 1\na: 2\n',
      { path: 'line 2, column 1', message: 'this key appears twice' },
    ],
    [
      'an open bracket',
      'chains: [\n',
      { path: 'line 2, column 1', message: 'the indentation does not fit, or a bracket is not closed' },
    ],
    ['a tab', 'a:\n\tb: 1\n', { path: 'line 2, column 1', message: 'indent with spaces, not with tabs' }],
    ['an unknown tag', 'a: !x 1\n', { path: 'line 1, column 4', message: 'this tag is not known' }],
    [
      'a second document',
      'a: 1\n---\nb: 1\n',
      { path: 'line 2, column 1', message: 'the file must hold one document only' },
    ],
    ['a list as a key', '? [a]\n: 1\n', { path: 'line 1, column 3', message: 'a key must be a string' }],
    [
      'an unquoted variable in braces',
      `a: { b: \${X} }\n`,
      {
        path: 'line 1, column 10',
        message: 'not expected here; inside { } and [ ] a variable reference must be quoted',
      },
    ],
  ])('%s is told with line and column', async (_, text, expected) => {
    expect(await faults(text)).toContainEqual(expected);
  });

  it.each([
    ['an alias without its anchor', 'a: *nowhere'],
    ['aliases that multiply', billionLaughs()],
  ])('%s is refused', async (_, text) => {
    expect(await faults(text)).toEqual([
      {
        path: 'configuration',
        message: 'has an alias without an anchor, or aliases that lead to more than 100 copies',
      },
    ]);
  });

  it.each([
    ['an alias that leads back', 'tracers: { t: { module: m, options: &o { again: *o, once_more: *o } } }'],
    ['a deep nesting', `tracers: { t: { module: m, options: { a: ${'['.repeat(200)}${']'.repeat(200)} } } }`],
    ['a hundred thousand values', `tracers: [${'1,'.repeat(100_001)}]`],
  ])('%s is refused', async (_, text) => {
    expect(await faults(text)).toEqual([
      { path: 'configuration', message: 'is nested deeper than 64 levels or holds more than 100000 values' },
    ]);
  });

  it.each([500, 1000, 1500, 2000, 20_000])(
    'a nesting of %i levels is a fault like another',
    async (depth) => {
      const [first] = await faults(`a: ${'['.repeat(depth)}${']'.repeat(depth)}`);
      expect(first?.message).toMatch(/nested/);
    },
  );
});

describe('what cannot be read', () => {
  it.each<[string, () => Promise<string>, string]>([
    ['a file that is not there', async () => join(directory, 'nowhere.yml'), 'cannot be read (ENOENT)'],
    ['a directory', async () => directory, 'is not a file'],
    ['a large file', () => written(Buffer.alloc(1024 * 1024 + 1, '#')), 'is larger than 1048576 bytes'],
    ['a file that is not UTF-8', () => written(Buffer.from([0x61, 0x3a, 0x20, 0xff])), 'is not UTF-8 text'],
  ])('%s is named', async (_, path, message) => {
    const at = await path();
    await expect(loadConfig(at, {})).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      faults: [{ path: at, message }],
    });
  });

  async function written(bytes: Uint8Array): Promise<string> {
    await writeFile(file, bytes);
    return file;
  }
});

describe('no message quotes a value', () => {
  it.each([
    ['of the wrong type, everywhere', everywhere(CANARY)],
    ['as a list, everywhere', everywhere(`[${CANARY}]`)],
    ['as a mapping, everywhere', everywhere(`{ a: { b: ${CANARY} } }`)],
    ['of a key that appears twice', `a: ${CANARY}\na: ${CANARY}`],
    ['in quotes that never close', `a: "${CANARY}\nb: 1`],
    ['with a stray colon', `a: ${CANARY}: ${CANARY}`],
    ['with a bad escape', `a: "\\q${CANARY}"`],
    ['in stray brackets', `a: ]${CANARY}[ ${CANARY}`],
    ['as a tag', `a: !${CANARY} ${CANARY}`],
    ['as an alias', `a: *${CANARY}`],
    ['as an anchor of an anchor', `a: &${CANARY} &${CANARY} x`],
    ['badly indented', `a:\n  b: 1\n ${CANARY}: 2\n${CANARY}`],
    ['behind a directive', `%${CANARY}\n---\n${CANARY}`],
    ['as the whole document', CANARY],
    ['as the default of a variable', `service_name: \${X:-[${CANARY}]}\nlog_level: \${Y:-${CANARY}}`],
  ])('%s', async (_, text) => {
    const error = await load(text).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    const { message = '', stack = '', faults: found = [], cause } = (error ?? {}) as Partial<ConfigError>;
    expect(`${message}${stack}${JSON.stringify(found)}`).not.toContain(CANARY);
    expect(cause).toBeUndefined();
  });

  it('of an environment variable', async () => {
    const env = { PORT: CANARY, OTEL_BSP_SCHEDULE_DELAY: CANARY, OTEL_TRACES_SAMPLER: CANARY };
    const error = await failure(`health:\n  port: \${PORT}\n`, env);
    expect(error.message).not.toContain(CANARY);
    expect(error.faults.map(({ path }) => path)).toEqual([
      'OTEL_TRACES_SAMPLER',
      'OTEL_BSP_SCHEDULE_DELAY',
      'health.port',
    ]);
  });
});

it('a fault is told with its line and column; of a key that is missing, with those of what it is missing in', async () => {
  const text = `service_name: 7
tracers:
  "a b":
    module: tracers.metrics
    option: {}
  c: {}
chains:
  main:
    links: [x, 7]
    tracers: [missing]
health:
  port: \${PORT}
`;
  const places = (await failure(text, {})).faults.map(({ path, place }) => `${path} ${place}`);
  expect(places.toSorted()).toEqual([
    'chains.main.links[1] line 9, column 16',
    'chains.main.tracers[0] line 10, column 15',
    'health.port line 12, column 3',
    'service_name line 1, column 1',
    'tracers.c.module line 6, column 3',
    'tracers["a b"].option line 5, column 5',
  ]);
});

function billionLaughs(): string {
  const lines = ['a0: &a0 [x, x]'];
  for (let i = 1; i < 12; i++) lines.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}]`);
  return lines.join('\n');
}

/** A file in which every value that may be wrong is this one. */
function everywhere(value: string): string {
  return `
service_name: ${value}
log_level: ${value}
tracers: { a: { module: ${value}, options: ${value}, pip_name: ${value} }, b: ${value} }
chains:
  a: ${value}
  b: { links: ${value}, storages: [${value}], tracers: [${value}], enabled: ${value}, timeout: ${value} }
vcon_store: { type: ${value}, url: ${value} }
admin: { host: ${value}, port: ${value} }
exporters:
  mine: { module: ${value}, options: ${value} }
  ours: ${value}
  otlp: { endpoint: ${value}, headers: ${value} }
  otlp_file: ${value}
  prometheus: { host: ${value}, port: ${value} }
journal: { type: ${value}, capacity: ${value} }
health: ${value}
`;
}
