import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExportResult } from '@opentelemetry/core';
import { ExportResultCode } from '@opentelemetry/core';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { otlpFileExporter } from '../../src/exporters/otlp-file/otlp-file-exporter.ts';
import { spansOf } from './otlp-server.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vcon-otel-'));
});
afterEach(() => rm(directory, { recursive: true }));

function makeSpans(names: readonly string[], text = ''): ReadableSpan[] {
  const memory = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: memory })] });
  for (const name of names) provider.getTracer('test').startSpan(name, { attributes: { text } }).end();
  return memory.getFinishedSpans();
}

function exported(exporter: SpanExporter, spans: ReadableSpan[]): Promise<ExportResult> {
  return new Promise((resolve) => exporter.export(spans, resolve));
}

async function linesOf(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  return text.slice(0, -1).split('\n');
}

test('each export is a line of OTLP JSON, in order, and the directory is made', async () => {
  const path = join(directory, 'new', 'traces.otlp.jsonl');
  const exporter = otlpFileExporter({ path });
  const results = await Promise.all(
    ['link.a', 'link.b', 'link.c'].map((name) => exported(exporter, makeSpans([name]))),
  );
  await exporter.shutdown();
  expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
  const names = (await linesOf(path)).map((line) => spansOf(JSON.parse(line)).map(({ name }) => name));
  expect(names).toEqual([['link.a'], ['link.b'], ['link.c']]);
});

test('a file that is there is appended to', async () => {
  const path = join(directory, 'traces.jsonl');
  for (const name of ['link.a', 'link.b']) {
    const exporter = otlpFileExporter({ path });
    await exported(exporter, makeSpans([name]));
    await exporter.shutdown();
  }
  expect((await linesOf(path)).map((line) => spansOf(JSON.parse(line))[0]?.name)).toEqual([
    'link.a',
    'link.b',
  ]);
});

test('a line torn by a crash spoils no line after it', async () => {
  const path = join(directory, 'traces.jsonl');
  await writeFile(path, '{"resourceSpans":[{"sco');
  const exporter = otlpFileExporter({ path });
  await exported(exporter, makeSpans(['link.a']));
  await exporter.shutdown();
  const lines = await linesOf(path);
  expect(lines.length).toBe(2);
  expect(spansOf(JSON.parse(lines[1] ?? ''))[0]?.name).toBe('link.a');
});

test('a large batch becomes several lines, each short enough for the Collector', async () => {
  const path = join(directory, 'traces.jsonl');
  const exporter = otlpFileExporter({ path });
  const names = Array.from({ length: 1_000 }, (_, i) => `link.${i}`);
  await exported(exporter, makeSpans(names, 'x'.repeat(4_000)));
  await exporter.shutdown();
  const lines = await linesOf(path);
  expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThan(1024 * 1024);
  expect(lines.flatMap((line) => spansOf(JSON.parse(line)).map(({ name }) => name))).toEqual(names);
});

test('a path that cannot be written to fails loudly, before start', async () => {
  await writeFile(join(directory, 'file'), '');
  for (const path of [directory, join(directory, 'file', 'traces.jsonl')])
    expect(() => otlpFileExporter({ path })).toThrow(
      expect.objectContaining({ code: 'FILE_UNUSABLE', message: expect.stringContaining(path) }),
    );
});

test.runIf(existsSync('/dev/full'))('a full disk fails the export, and only that: it may pass', async () => {
  const exporter = otlpFileExporter({ path: '/dev/full' });
  const result = await exported(exporter, makeSpans(['link.a']));
  expect(result.code).toBe(ExportResultCode.FAILED);
  expect(result.error).toMatchObject({
    message: 'cannot write traces: ENOSPC',
    code: 'ENOSPC',
    permanent: false,
  });
  await exporter.shutdown();
});

test('a callback that throws does not stop the writes after it', async () => {
  const path = join(directory, 'traces.jsonl');
  const exporter = otlpFileExporter({ path });
  exporter.export(makeSpans(['link.a']), () => {
    throw new Error('on purpose');
  });
  await exported(exporter, makeSpans(['link.b']));
  await exporter.shutdown();
  expect((await linesOf(path)).length).toBe(2);
});

test('shutdown is safe twice, and an export after it fails', async () => {
  const exporter = otlpFileExporter({ path: join(directory, 'traces.jsonl') });
  await Promise.all([exporter.shutdown(), exporter.shutdown()]);
  const { code, error } = await exported(exporter, makeSpans(['link.a']));
  expect([code, error]).toEqual([ExportResultCode.FAILED, expect.objectContaining({ permanent: true })]);
});
