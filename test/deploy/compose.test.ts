import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { COLLECTOR, COMPOSE, ROOT, stackFile } from './stack-files.ts';

const SERVICES = Object.entries(COMPOSE.services);
/** Run once, to give a volume to whom it belongs. */
const ONCE = ['collector-queue', 'tempo-volume'];
/** What the Python conserver's own stack listens on. */
const TAKEN = ['3000', '8000', '8001', '9090'];

describe('docker-compose.yml', () => {
  test('its images are pinned to what the stack was written for', () => {
    expect(
      Object.fromEntries(SERVICES.map(([name, { image }]) => [name, image.replace(/@sha256:.*$/, '')])),
    ).toEqual({
      adapter: 'vcon-otel:local',
      demo: 'vcon-otel:local',
      redis: 'redis:8.2.10',
      'collector-queue': 'redis:8.2.10',
      'tempo-volume': 'redis:8.2.10',
      collector: 'otel/opentelemetry-collector-contrib:0.164.0',
      jaeger: 'jaegertracing/jaeger:2.21.0',
      prometheus: 'prom/prometheus:v3.13.3',
      tempo: 'grafana/tempo:3.0.3',
      grafana: 'grafana/grafana:13.2.0',
    });
  });

  test('without a profile it is small, and each profile adds what it is for', () => {
    const of = (profile: string | undefined) =>
      SERVICES.filter(([, { profiles }]) => profiles?.[0] === profile).map(([name]) => name);
    expect(of(undefined).filter((name) => !ONCE.includes(name))).toEqual([
      'adapter',
      'redis',
      'collector',
      'jaeger',
      'prometheus',
    ]);
    expect(of('full')).toEqual(['tempo-volume', 'tempo', 'grafana']);
    expect(of('demo')).toEqual(['demo']);
  });

  test('every file that is mounted exists, and is mounted read-only', () => {
    const mounted = SERVICES.flatMap(([, { volumes = [] }]) =>
      volumes.filter((volume) => volume.startsWith('./')),
    );
    expect(mounted.length).toBeGreaterThan(8);
    for (const volume of mounted) {
      const [path = '', , mode] = volume.split(':');
      expect(existsSync(join(ROOT, path)), path).toBe(true);
      expect(mode, volume).toBe('ro');
    }
  });

  test('every rule file and configuration that a program names is mounted where it looks', () => {
    const targets = SERVICES.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[1]));
    const rules: string[] = stackFile('deploy/prometheus/prometheus.yml').rule_files;
    expect(targets).toEqual(expect.arrayContaining(rules.map((file) => `/etc/prometheus/${file}`)));
    const named = SERVICES.flatMap(([, { command = [] }]) =>
      [command].flat().flatMap((argument) => /(?:^|=)(\/etc\/\S+)$/.exec(argument)?.[1] ?? []),
    );
    expect(named.length).toBe(5);
    expect(targets).toEqual(expect.arrayContaining(named));
  });

  test('volumes that are used are declared, and the other way round', () => {
    const used = SERVICES.flatMap(([, { volumes = [] }]) =>
      volumes.filter((volume) => !/^[./]/.test(volume)).map((volume) => volume.split(':')[0]),
    );
    expect([...new Set(used)].toSorted()).toEqual(Object.keys(COMPOSE.volumes).toSorted());
  });

  test('whatever runs has a memory limit, and is started again', () => {
    for (const [name, { mem_limit, restart }] of SERVICES.filter(([name]) => !ONCE.includes(name)))
      expect({ name, mem_limit, restart }).toEqual({
        name,
        mem_limit: expect.stringMatching(/^\d+[mg]$/),
        restart: 'unless-stopped',
      });
  });

  test('a service waits only for services that are there whenever it is', () => {
    for (const [name, { depends_on = [], profiles }] of SERVICES)
      for (const other of Array.isArray(depends_on) ? depends_on : Object.keys(depends_on)) {
        const needed = COMPOSE.services[other];
        expect(needed, `${name} depends on ${other}`).toBeDefined();
        if (needed?.profiles) expect(profiles).toEqual(needed.profiles);
      }
  });

  test('what waits for a healthy service waits for one that can say so', () => {
    for (const [, { depends_on = {} }] of SERVICES)
      for (const [other, { condition }] of Object.entries(Array.isArray(depends_on) ? {} : depends_on)) {
        if (condition === 'service_healthy') expect(COMPOSE.services[other]?.healthcheck).toBeDefined();
        else expect(ONCE).toContain(other);
      }
  });

  test('an image without a shell has no health check', () => {
    expect(COMPOSE.services.collector?.healthcheck).toBeUndefined();
    expect(COMPOSE.services.tempo?.healthcheck).toMatchObject({ test: ['CMD', '/tempo', '--health'] });
  });

  test('every port is published to this machine alone, can be moved, and is not the Python stack’s', () => {
    const ports = SERVICES.flatMap(([, { ports = [] }]) => ports);
    expect(ports).toHaveLength(5);
    for (const port of ports) {
      const [, address = '', , fallback = ''] =
        /^(127\.0\.0\.1|\$\{OTLP_ADDRESS:-127\.0\.0\.1\}):\$\{([A-Z_]+):-(\d+)\}:\d+$/.exec(port) ?? [];
      expect(address, port).not.toBe('');
      expect(TAKEN).not.toContain(fallback);
    }
  });

  test('OTLP is published by the Collector alone, on the ports that it listens on', () => {
    const inner = (name: string) => COMPOSE.services[name]?.ports?.map((port) => port.split(':').at(-1));
    expect(inner('collector')).toEqual(['4317', '4318']);
    for (const [name] of SERVICES)
      if (name !== 'collector') expect(inner(name) ?? []).not.toEqual(expect.arrayContaining(['4317']));
    expect(JSON.stringify(COLLECTOR.receivers)).toContain(':-4317');
    expect(JSON.stringify(COLLECTOR.receivers)).toContain(':-4318');
  });

  test('a variable without a value has a default', () => {
    const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8').replace(/^#.*$/gm, '');
    expect(text.match(/\$\{[A-Z_]+\}/g)).toBeNull();
  });

  test('what must not have one is asked for: the token of senders and the password of Redis', () => {
    const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
    const asked = [...text.matchAll(/\$\{([A-Z_]+):\?/g)].map(([, name]) => name);
    expect([...new Set(asked)].toSorted()).toEqual(['REDIS_PASSWORD', 'VCON_OTEL_TOKEN']);
    const { redis, adapter, collector } = COMPOSE.services;
    expect(redis?.command).toEqual(expect.arrayContaining(['--requirepass']));
    expect(adapter?.environment?.VCON_OTEL_TOKEN).toMatch(/:\?/);
    expect(collector?.environment?.VCON_OTEL_TOKEN).toMatch(/:\?/);
  });

  test('deploy/secrets.sh makes both once, for nobody else to read', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'deploy'));
    copyFileSync(join(ROOT, 'deploy/secrets.sh'), join(folder, 'deploy/secrets.sh'));
    const file = join(folder, '.env');
    const make = () => {
      execFileSync('sh', [join(folder, 'deploy/secrets.sh')]);
      return readFileSync(file, 'utf8');
    };
    const made = make();
    expect(made).toMatch(/^VCON_OTEL_TOKEN=[0-9a-f]{64}\nREDIS_PASSWORD=[0-9a-f]{64}\n$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(make()).toBe(made);
    writeFileSync(file, 'REDIS_PASSWORD=mine\n');
    expect(make()).toMatch(/^REDIS_PASSWORD=mine\nVCON_OTEL_TOKEN=[0-9a-f]{64}\n$/);
  });
});

describe('the image', () => {
  test('is made of files that exist and that .dockerignore lets in', () => {
    const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
    const ignore = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = '']) =>
      files.split(' '),
    );
    expect(sources.length).toBeGreaterThan(6);
    for (const source of sources) {
      expect(existsSync(join(ROOT, source)), source).toBe(true);
      expect(ignore, source).toContain(`!${source}`);
    }
  });

  test('is made on the Node.js that the project is tested with', () => {
    const version = readFileSync(join(ROOT, '.nvmrc'), 'utf8').trim();
    const from = readFileSync(join(ROOT, 'Dockerfile'), 'utf8').match(/^FROM \S+/gm);
    expect(from?.map((line) => line.replace(/@sha256:.*$/, ''))).toEqual([
      `FROM node:${version}-slim`,
      `FROM node:${version}-slim`,
    ]);
  });

  test('does not run as root', () => {
    expect(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')).toMatch(/^USER node$/m);
  });
});

/** What compose hands to the adapter. */
const SECRETS = { VCON_OTEL_TOKEN: 'a token', REDIS_URL: 'redis://:secret@redis:6379' };
const ADAPTER = join(ROOT, 'deploy/adapter.yaml');

describe('deploy/adapter.yaml', () => {
  test('takes nothing from whoever has no token, and does not start without one', async () => {
    const { config } = await loadConfig(ADAPTER, SECRETS);
    expect(config.receivers.http).toMatchObject({ token: 'a token' });
    await expect(loadConfig(ADAPTER, { ...SECRETS, VCON_OTEL_TOKEN: '' })).rejects.toThrow(
      'receivers.http.host',
    );
    expect(config.receivers.http?.allow_anonymous).toBeUndefined();
    expect(config.health?.host).toBe('127.0.0.1');
  });

  test('is a valid configuration', async () => {
    await expect(loadConfig(ADAPTER, SECRETS)).resolves.toBeDefined();
  });

  test('listens where the others look for it', async () => {
    const { config } = await loadConfig(ADAPTER, SECRETS);
    const { exporters, receivers, health } = config;
    expect(exporters.prometheus).toMatchObject({ host: '0.0.0.0', port: 9464, allowed_hosts: ['adapter'] });
    expect(JSON.stringify(stackFile('deploy/prometheus/prometheus.yml'))).toContain('"adapter:9464"');
    expect(receivers.http).toMatchObject({ host: '0.0.0.0', port: 4418, allowed_hosts: ['adapter'] });
    expect(JSON.stringify(COLLECTOR.exporters['otlp_http/adapter'])).toContain('http://adapter:4418');
    expect(JSON.stringify(COMPOSE.services.adapter?.healthcheck)).toContain(`:${health?.port}/readyz`);
  });
});

describe('Prometheus, Jaeger and Tempo', () => {
  test('every address that a file names is a service of the stack', () => {
    const files = ['otel-collector.yaml', 'deploy/jaeger.yaml', 'deploy/prometheus/prometheus.yml'];
    const text = files
      .map((file) => readFileSync(join(ROOT, file), 'utf8').replace(/^\s*#.*$/gm, ''))
      .join('\n');
    const addresses = [...text.matchAll(/(?:-|\/\/|")([a-z]+):(\d{4,5})\b/g)].map(([, host = '']) => host);
    expect(addresses.length).toBeGreaterThan(6);
    for (const host of addresses)
      if (host !== 'localhost') expect(Object.keys(COMPOSE.services)).toContain(host);
  });

  test('Tempo takes what the Collector sends to it', () => {
    const { distributor, server } = stackFile('deploy/tempo.yaml');
    expect(distributor.receivers.otlp.protocols.grpc.endpoint).toBe('0.0.0.0:4317');
    expect(server.http_listen_port).toBe(3200);
  });
});
