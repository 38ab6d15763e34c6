/**
 * The OpenTelemetry Collector, a program in Go, doing what the adapter does: it takes spans over OTLP/HTTP and hands them to
 * three exporters, each with a queue on the disk (`file_storage`, fsync), which send them to a sink in this process.
 * `node bench/collector.ts` builds it where Go is, once, in some minutes.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { stringify } from 'yaml';
import {
  findSmallCollector,
  obtainSmallCollector,
  type Program,
  type SmallCollector,
} from '../test/backends/programs.ts';
import { ownFolder } from './disk.ts';
import { Poster } from './feed.ts';
import { freePort } from './redis.ts';
import { startProgram } from './served.ts';

/** A Collector that is fed, and measured. */
export interface ServedCollector {
  /** Posts bodies as fast as they are taken. Resolves when every exporter has sent them all. */
  send(bodies: readonly Buffer[]): Promise<Sent>;
  stop(): Promise<void>;
}

/** Milliseconds until the last body was taken and until the last was sent, and microseconds of processor time. */
export interface Sent {
  readonly taken: number;
  readonly all: number;
  readonly cpu: number;
}

const folders = ownFolder();
const EXPORTERS = 3;
/** Milliseconds between two looks at how far it is. */
const LOOK = 20;

const VERSION = '0.165.0';
const CORE = 'go.opentelemetry.io/collector';
const CONTRIB = 'github.com/open-telemetry/opentelemetry-collector-contrib';
/** Nothing but what is measured: that is quickly built, and few modules have to be there. */
const MEASURED: SmallCollector = {
  name: 'otelcol-bench',
  version: VERSION,
  manifest: stringify({
    dist: { name: 'program', output_path: '.', version: VERSION },
    receivers: [{ gomod: `${CORE}/receiver/otlpreceiver v${VERSION}` }],
    exporters: [{ gomod: `${CORE}/exporter/otlphttpexporter v${VERSION}` }],
    extensions: [{ gomod: `${CONTRIB}/extension/storage/filestorage v${VERSION}` }],
  }),
};

/** The Collector, if it has been built. */
export function findCollector(): Promise<Program> {
  return findSmallCollector(MEASURED);
}

/** How exporters pack what they send. `gzip` is their default. */
export type Compression = 'gzip' | 'none';

/** Starts it. @throws Error where there is none */
export async function startCollector(
  on: readonly string[],
  compression: Compression,
): Promise<ServedCollector> {
  const found = await findCollector();
  if (!('path' in found)) throw new Error(found.missing);
  const folder = mkdtempSync(join(folders, 'collector-'));
  const queue = join(folder, 'queue');
  mkdirSync(queue);
  const sink = await startSink();
  const url = `http://127.0.0.1:${await freePort()}`;
  const config = stringify(configOf(url, sink.url, queue, compression), { aliasDuplicateObjects: false });
  const program = startProgram([...on, found.path, '--config', `yaml:${config}`]);
  await listens(url);
  const poster = new Poster(url);
  const cpu = () => [...program.threads().values()].reduce((sum, time) => sum + time, 0);
  let due = 0;
  return {
    send: async (bodies) => {
      due += bodies.length * EXPORTERS;
      const [before, began] = [cpu(), performance.now()];
      await poster.all(bodies);
      const taken = performance.now() - began;
      while (sink.taken() < due) await wait(LOOK);
      return { taken, all: performance.now() - began, cpu: cpu() - before };
    },
    stop: async () => {
      await poster.close();
      await program.stop();
      await sink.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** As it is documented, without anything that would make it do more. */
function configOf(url: string, sink: string, directory: string, compression: Compression): object {
  const names = Array.from({ length: EXPORTERS }, (_, index) => `otlp_http/${index}`);
  const exporter = {
    endpoint: sink,
    compression,
    sending_queue: { storage: 'file_storage', queue_size: 10_000, block_on_overflow: true },
  };
  return {
    receivers: { otlp: { protocols: { http: { endpoint: new URL(url).host } } } },
    exporters: Object.fromEntries(names.map((name) => [name, exporter])),
    extensions: { file_storage: { directory, fsync: true } },
    service: {
      extensions: ['file_storage'],
      telemetry: { logs: { level: 'error' }, metrics: { level: 'none' } },
      pipelines: { traces: { receivers: ['otlp'], exporters: names } },
    },
  };
}

/** A server that takes everything and counts the requests. */
async function startSink() {
  let taken = 0;
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      taken += 1;
      response.setHeader('content-type', 'application/x-protobuf').end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, taken: () => taken, close };
}

async function listens(url: string): Promise<void> {
  while (!(await fetch(url).catch(() => undefined))) await wait(LOOK);
}

if (import.meta.main) {
  const made = await obtainSmallCollector(MEASURED);
  console.log('path' in made ? made.about : made.missing);
}
