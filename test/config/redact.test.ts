import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfigInput, loadConfig, parseConfig, redactConfig } from '../../src/config/load-config.ts';
import { isSecretName, withoutSecrets } from '../../src/config/redact.ts';
import { defineTracer } from '../../src/model/tracer.ts';
import { emptyVconStore } from '../../src/model/vcon.ts';
import { schemaKeys } from './schema-keys.ts';

const CANARY = 'canary-7f3a';

function shown(value: unknown): unknown {
  return withoutSecrets(value, new Set());
}

describe('a key with the name of a secret', () => {
  it.each([
    'password',
    'passphrase',
    'PWD',
    'client_secret',
    'apiToken',
    'data_store_api_key',
    'Authorization',
    'credentials',
    'cookie',
    'dsn',
    'private_pem',
    'certificate',
    'signature',
    'bearer',
    'license',
    'licence',
    'headers',
  ])('%s hides everything under it', (key) => {
    expect(shown({ [key]: CANARY, a: [{ [key]: { b: [CANARY, 1] } }] })).toEqual({
      [key]: '[redacted]',
      a: [{ [key]: '[redacted]' }],
    });
  });

  it('is one of ours in few cases: what hides nothing else is shown', () => {
    expect([...schemaKeys()].filter((key) => isSecretName(key.split('.').at(-1) ?? ''))).toEqual([
      'receivers.http.token',
      'receivers.http.tokens',
      'receivers.http.tls.cert',
      'receivers.http.tls.key',
      'receivers.grpc.token',
      'receivers.grpc.tokens',
      'receivers.grpc.tls.cert',
      'receivers.grpc.tls.key',
      'exporters.otlp.headers',
      'exporters.prometheus.token',
      'admin.token',
      'health.token',
    ]);
  });

  it('is not meant by hosts that may be private', () => {
    const hosts = { allow_private_hosts: ['jlinc.internal'], private_hosts_key: CANARY };
    expect(shown(hosts)).toEqual({ ...hosts, private_hosts_key: '[redacted]' });
  });

  it('is not meant by the name of a tracer, a chain or an exporter', () => {
    const input = {
      tracers: { keystore: { module: 'm' } },
      chains: { authorise: { links: ['a'] } },
      exporters: { tokens: { module: 'm', options: { password: CANARY } } },
    };
    expect(redactConfig(parseConfig(input, {}))).toMatchObject({
      ...input,
      exporters: { tokens: { module: 'm', options: { password: '[redacted]' } } },
    });
  });
});

describe('a value', () => {
  it.each([
    ['redis://127.0.0.1:6379/0', 'redis://127.0.0.1:6379/0'],
    [`redis://user:${CANARY}@host:6379`, 'redis://[redacted]@host:6379'],
    [`redis://:${CANARY}/@?#${CANARY}@host:6379`, 'redis://[redacted]@host:6379'],
    [`https://h.example.com/p?x=${CANARY}#${CANARY}`, 'https://h.example.com/p?[redacted]'],
    [`https://h.example.com/p#${CANARY}`, 'https://h.example.com/p?[redacted]'],
    [`see https://h.example.com/p?x=${CANARY} there`, 'see https://h.example.com/p?[redacted] there'],
    [`host=h password=${CANARY}`, '[redacted]'],
    [`X-Api-Key: ${CANARY}`, '[redacted]'],
    [`Bearer ${CANARY}`, '[redacted]'],
    ['./data/audit.log', './data/audit.log'],
  ])('%s is shown as %s', (value, expected) => {
    expect(shown({ a: [value] })).toEqual({ a: [expected] });
  });

  it('that is no text is shown, a module by its name only', () => {
    const module = defineTracer({ create: () => ({}) });
    const own = { create: () => ({}), secret: CANARY };
    const input: ConfigInput = {
      tracers: { t: { module, options: { a: 1, b: true, c: null } } },
      exporters: { e: { module: own } },
      vcon_store: { module: { ...own, create: () => emptyVconStore } },
    };
    expect(redactConfig(parseConfig(input, {}))).toMatchObject({
      tracers: { t: { module: '[module]', options: { a: 1, b: true, c: null } } },
      exporters: { e: { module: '[module]' } },
      vcon_store: { type: 'module', module: '[module]' },
    });
  });

  it('that holds itself comes to an end', () => {
    const options: Record<string, unknown> = {};
    options.self = options;
    expect(JSON.stringify(shown(options))).toContain('[redacted]');
  });
});

describe('a value from a variable', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vcon-otel-redact-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('with the name of a secret is hidden wherever it went', async () => {
    const file = join(directory, 'config.yml');
    await writeFile(
      file,
      `
service_name: a-\${MY_TOKEN}
vcon_store: { type: directory, path: "\${DB_PASSWORD}" }
chains: { main: { links: [a, "\${API_KEY:-${CANARY}}"] } }
tracers:
  t:
    module: m
    options: &options { where: "\${JLINC_KEY}", plain: "\${PLAIN}", deep: [{ x: "\${PIN_SECRET}" }] }
  "u.v": { module: m, options: *options }
`,
    );
    const env = {
      MY_TOKEN: CANARY,
      DB_PASSWORD: CANARY,
      JLINC_KEY: CANARY,
      PIN_SECRET: '4711',
      PLAIN: 'plain',
    };
    const result = redactConfig(await loadConfig(file, env));
    const options = { where: '[redacted]', plain: 'plain', deep: [{ x: '[redacted]' }] };
    expect(result).toMatchObject({
      service_name: '[redacted]',
      vcon_store: { type: 'directory', path: '[redacted]' },
      chains: { main: { links: ['a', '[redacted]'] } },
      tracers: { t: { options }, 'u.v': { options } },
    });
    expect(JSON.stringify(result)).not.toContain(CANARY);
  });
});
