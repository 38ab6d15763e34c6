import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type ConfigInput, parseConfig } from '../../src/config/load-config.ts';
import { startService } from '../../src/service/service.ts';
import type { Tracing } from '../../src/service/tracing.ts';
import { ANY_TIME } from '../support/any-time.ts';
import { capturedFile, capturedRecords, capturedRequests, NO_CAPTURES } from '../support/captures.ts';
import { PATIENCE } from '../support/eventually.ts';
import { perRun, recordingTracer } from '../support/recording-tracer.ts';

let directory: string;
let tracing: Tracing | undefined;

beforeEach(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) vi.stubEnv(name, undefined);
  directory = await mkdtemp(join(tmpdir(), 'vcon-otel-'));
});

afterEach(async () => {
  await tracing?.shutdown();
  tracing = undefined;
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

async function start(config: ConfigInput = {}) {
  const { calls, tracer } = recordingTracer();
  const started = await startService(
    parseConfig({
      log_level: 'error',
      tracers: { mine: { module: tracer } },
      receivers: {
        http: { host: '127.0.0.1', port: 0 },
        assembler: { settle: '100ms', timeout: '1m', ...ANY_TIME },
      },
      ...config,
    }),
  );
  tracing = started;
  const post = async (path: string, type: string, body: Buffer | string) => {
    const options = { method: 'POST', headers: { 'content-type': type }, body };
    return (await fetch(`${started.receiverUrl}${path}`, options)).status;
  };
  return {
    calls,
    runs: () => perRun(calls),
    stats: () => started.stats(),
    records: (records: readonly unknown[]) => post('/v1/bridge', 'application/json', JSON.stringify(records)),
    spans: (body: Buffer) => post('/v1/traces', 'application/x-protobuf', body),
    async settled() {
      await vi.waitUntil(() => started.stats().receivers?.openRuns === 0, PATIENCE);
      await started.forceFlush();
    },
  };
}

/** A record of a server without OpenTelemetry. */
const record = (index: number, seq: number) => ({
  v: 1,
  kind: 'run',
  tracer: 'forwarder',
  in: 'V',
  out: 'V',
  links: ['a', 'b'],
  index,
  ts: String(1_795_000_000_000_000_000n + BigInt(seq) * 1_000_000n),
  worker: { host: 'h', pid: 1 },
  seq,
});
const RECORDS = [record(-1, 1), record(0, 2), record(1, 3)];

test('records alone are told, by the only chain that is configured with their links', async () => {
  const { calls, records, settled, stats } = await start({ chains: { main: { links: ['a', 'b'] } } });
  expect(await records(RECORDS)).toBe(200);
  await settled();
  expect(new Set(calls.map(({ context }) => context.chain))).toEqual(new Set(['main']));
  expect(calls.at(-1)).toMatchObject({ call: 'run', index: 2 });
  expect(stats().receivers).toMatchObject({ records: { accepted: 3 }, issues: {} });
});

test('spans over gRPC are told as those over HTTP are', async () => {
  const assembler = { settle: '100ms', timeout: '1m' };
  const { calls, settled } = await start({ receivers: { grpc: { port: 0 }, assembler } });
  const exporter = new OTLPTraceExporter({ url: tracing?.receiverUrl ?? '' });
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracer = provider.getTracer('test');
  const attributes = { vcon_id: '19d7f4b1-1b5e-48ce-b172-fec0285db3ce', chain_name: 'main' };
  const chain = tracer.startSpan('vcon_processing.main', { attributes }, ROOT_CONTEXT);
  const link = { attributes: { ...attributes, link_name: 'a', link_index: 0 } };
  tracer.startSpan('link.a', link, trace.setSpan(ROOT_CONTEXT, chain)).end();
  chain.end();
  await provider.shutdown();
  await vi.waitUntil(() => tracing?.stats().receivers?.spans.accepted === 2, PATIENCE);
  await settled();
  expect(calls.map((call) => ('event' in call ? call.event : call.call))).toEqual(
    expect.arrayContaining(['chain_start', 'link_complete', 'chain_complete']),
  );
});

test('so they are where the Python configuration has it', async () => {
  const file = join(directory, 'config.yml');
  await writeFile(file, 'chains: { intake: { links: [a, b] } }');
  const { calls, records, settled } = await start({ conserver_config: file });
  await records(RECORDS);
  await settled();
  expect(new Set(calls.map(({ context }) => context.chain))).toEqual(new Set(['intake']));
});

test('the spans of a run that only records told of are exported', async () => {
  const file = join(directory, 'spans.jsonl');
  const { records, settled } = await start({
    chains: { main: { links: ['a', 'b'] } },
    exporters: { otlp_file: { path: file } },
  });
  await records(RECORDS);
  await settled();
  await tracing?.shutdown();
  const written = await readFile(file, 'utf8');
  for (const name of ['link.a', 'link.b', 'vcon_processing.main']) expect(written).toContain(`"${name}"`);
});

test('a chain that lists no tracers is not told, though its records are taken', async () => {
  const { calls, records, settled, stats } = await start({
    chains: { main: { links: ['a', 'b'], tracers: [] } },
  });
  await records(RECORDS);
  await settled();
  expect(calls).toEqual([]);
  expect(stats().receivers?.records.accepted).toBe(3);
});

describe.skipIf(NO_CAPTURES)('the recordings (skipped where ../shared is not there)', () => {
  test('is told run by run, without any issue', async () => {
    const file = join(directory, 'config.yml');
    await writeFile(file, capturedFile('03-halt-middle', 'config.yml'));
    const { runs, records, spans, settled, stats } = await start({ conserver_config: file });
    // Their runs wait for spans, however long a request takes.
    expect(await records(capturedRecords('03-halt-middle'))).toBe(200);
    for (const { protobuf } of capturedRequests('03-halt-middle')) expect(await spans(protobuf)).toBe(200);
    await settled();
    expect(runs()).toHaveLength(2);
    for (const run of runs()) expect(run.at(-2)).toMatch(/^chain_complete /);
    expect(stats().receivers?.issues).toEqual({});
  });
});
