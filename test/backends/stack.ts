import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { type RedisServer, startRedisServer } from '../redis-server.ts';
import { ANY_TIME } from '../support/any-time.ts';
import { JaegerApi } from './jaeger-api.ts';
import type { Programs } from './programs.ts';
import { PrometheusApi } from './prometheus-api.ts';
import { Running } from './running.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Whoever sends to the adapter has it. */
export const TOKEN = 'a token of a test';

/** The stack of docker-compose.yml as processes of this machine, on free ports of the loopback interface. */
export interface Stack {
  readonly folder: string;
  /** Base URL of the Collector's OTLP/HTTP receiver. */
  readonly otlp: string;
  /** Address of its gRPC receiver. */
  readonly otlpGrpc: string;
  readonly collector: Running;
  readonly adapter: Running;
  readonly adapterHealth: string;
  readonly adapterReceiver: string;
  readonly ledger: string;
  readonly jaeger: JaegerApi;
  readonly prometheus: PrometheusApi;
  readonly redis: RedisServer;
  stop(): Promise<void>;
}

/**
 * Starts all of it with the files that are shipped: only addresses, paths and waiting times are other ones.
 * @param collectorEnv further variables of otel-collector.yaml
 */
export async function startStack(
  programs: { readonly [name in keyof Programs]: string } & { readonly without: readonly string[] },
  collectorEnv: Readonly<Record<string, string>> = {},
): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-stack-'));
  const port = await freePorts();
  const redis = await startRedisServer();
  const url = (name: keyof typeof port) => `http://127.0.0.1:${port[name]}`;

  const jaeger = new Running({
    program: programs.jaeger,
    args: ['--config', join(ROOT, 'deploy/jaeger.yaml')],
    env: {
      JAEGER_HOST: '127.0.0.1',
      JAEGER_OTLP_PORT: port.jaegerOtlp,
      JAEGER_UI_PORT: port.jaegerUi,
      JAEGER_GRPC_PORT: port.jaegerGrpc,
      JAEGER_METRICS_PORT: port.jaegerMetrics,
      PROMETHEUS_ENDPOINT: url('prometheus'),
    },
    cwd: folder,
    log: join(folder, 'jaeger.log'),
    ready: `${url('jaegerUi')}/api/services`,
  });
  const prometheus = new Running({
    program: programs.prometheus,
    args: [
      `--config.file=${prometheusFile(folder, {
        'adapter:9464': `127.0.0.1:${port.adapterMetrics}`,
        'collector:8888': `127.0.0.1:${port.collectorMetrics}`,
        'jaeger:8888': `127.0.0.1:${port.jaegerMetrics}`,
        'prometheus:9090': `127.0.0.1:${port.prometheus}`,
        'localhost:9090': `127.0.0.1:${port.prometheus}`,
      })}`,
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port.prometheus}`,
      '--web.enable-otlp-receiver',
      '--enable-feature=exemplar-storage',
    ],
    cwd: folder,
    log: join(folder, 'prometheus.log'),
    ready: `${url('prometheus')}/-/ready`,
  });
  mkdirSync(join(folder, 'queue'));
  const collector = new Running({
    program: programs.collector,
    args: ['--config', collectorFile(folder, programs.without)],
    env: {
      OTLP_HOST: '127.0.0.1',
      OTLP_GRPC_PORT: port.otlpGrpc,
      OTLP_HTTP_PORT: port.otlpHttp,
      HEALTH_PORT: port.collectorHealth,
      METRICS_PORT: port.collectorMetrics,
      QUEUE_DIRECTORY: join(folder, 'queue'),
      JAEGER_ENDPOINT: `127.0.0.1:${port.jaegerOtlp}`,
      // As without `--profile full`.
      TEMPO_ENDPOINT: `127.0.0.1:${port.tempo}`,
      PROMETHEUS_ENDPOINT: url('prometheus'),
      ADAPTER_ENDPOINT: url('receiver'),
      VCON_OTEL_TOKEN: TOKEN,
      METRICS_INTERVAL: '1s',
      DECISION_WAIT: '20s',
      DECISION_WAIT_AFTER_ROOT: '2s',
      ...collectorEnv,
    },
    cwd: folder,
    log: join(folder, 'collector.log'),
    ready: `${url('collectorHealth')}/`,
  });
  const adapter = new Running({
    program: process.execPath,
    args: [join(ROOT, 'bin/vcon-otel.js'), 'serve', adapterFile(folder, port)],
    env: {
      REDIS_URL: redis.url,
      VCON_OTEL_TOKEN: TOKEN,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url('otlpHttp')}/v1/traces`,
    },
    cwd: folder,
    log: join(folder, 'adapter.log'),
    ready: `${url('adapterHealth')}/readyz`,
  });
  const all = [prometheus, jaeger, collector, adapter];
  for (const program of all) await program.start();
  return {
    folder,
    otlp: url('otlpHttp'),
    otlpGrpc: `127.0.0.1:${port.otlpGrpc}`,
    collector,
    adapter,
    adapterHealth: url('adapterHealth'),
    adapterReceiver: url('receiver'),
    ledger: join(folder, 'ledger'),
    jaeger: new JaegerApi(url('jaegerUi')),
    prometheus: new PrometheusApi(url('prometheus')),
    redis,
    async stop() {
      for (const program of all.toReversed()) await program.stop();
      await redis.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Ports = Awaited<ReturnType<typeof freePorts>>;

/**
 * Below the range that the system takes for outgoing connections (ip_local_port_range, from 32,768 on): a program that is
 * ended for a minute finds its port free.
 */
async function freePorts() {
  const names = [
    'otlpGrpc',
    'otlpHttp',
    'collectorHealth',
    'collectorMetrics',
    'jaegerOtlp',
    'jaegerUi',
    'jaegerGrpc',
    'jaegerMetrics',
    'tempo',
    'prometheus',
    'receiver',
    'adapterMetrics',
    'adapterHealth',
  ] as const;
  const ports = new Map<(typeof names)[number], string>();
  let port = 20_000 + Math.floor(Math.random() * 10_000);
  for (const name of names) {
    do port += 1;
    while (!(await isFree(port)));
    ports.set(name, String(port));
  }
  return Object.fromEntries(ports) as Record<(typeof names)[number], string>;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  await new Promise((resolve) => server.close(resolve));
  return free;
}

/** otel-collector.yaml, less the components that this Collector was built without. */
function collectorFile(folder: string, without: readonly string[]): string {
  if (without.length === 0) return join(ROOT, 'otel-collector.yaml');
  const config = read('otel-collector.yaml');
  for (const name of without) {
    delete config.connectors[name];
    for (const pipeline of Object.values<Pipeline>(config.service.pipelines))
      for (const part of ['receivers', 'exporters'] as const)
        pipeline[part] = pipeline[part].filter((used) => used !== name);
  }
  return write(folder, 'otel-collector.yaml', config);
}

interface Pipeline {
  receivers: string[];
  exporters: string[];
}

function prometheusFile(folder: string, addresses: Readonly<Record<string, string>>): string {
  const config = read('deploy/prometheus/prometheus.yml');
  const rules: string[] = config.rule_files;
  // What is looked at is there a second after it happened.
  Object.assign(config.global, { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' });
  config.rule_files = rules.map((file) => join(ROOT, 'deploy/prometheus', file.split('/').at(-1) ?? ''));
  for (const job of config.scrape_configs)
    for (const { targets } of job.static_configs ?? [])
      for (const [index, target] of targets.entries()) targets[index] = addressOf(target, addresses);
  return write(folder, 'prometheus.yml', config);
}

function addressOf(target: string, addresses: Readonly<Record<string, string>>): string {
  const address = addresses[target];
  if (address === undefined)
    throw new Error(`deploy/prometheus/prometheus.yml scrapes ${target}: what is it?`);
  return address;
}

function adapterFile(folder: string, port: Ports): string {
  const config = read('deploy/adapter.yaml');
  config.tracers.ledger.options.directory = join(folder, 'ledger');
  config.journal.path = join(folder, 'journal.db');
  Object.assign(config.receivers.http, { host: '127.0.0.1', port: Number(port.receiver) });
  config.receivers.assembler = { settle: '1s', timeout: '10s', ...ANY_TIME };
  Object.assign(config.exporters.prometheus, { host: '127.0.0.1', port: Number(port.adapterMetrics) });
  Object.assign(config.health, { host: '127.0.0.1', port: Number(port.adapterHealth) });
  return write(folder, 'adapter.yaml', config);
}

function read(file: string) {
  return parse(readFileSync(join(ROOT, file), 'utf8'), { merge: true });
}

function write(folder: string, name: string, content: object): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    stringify(content, { aliasDuplicateObjects: false, defaultStringType: 'QUOTE_DOUBLE' }),
  );
  return path;
}
