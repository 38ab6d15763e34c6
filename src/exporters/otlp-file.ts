import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeFile } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { errorType, VconOtelError } from '../model/error.ts';
import { ExportError } from './export-error.ts';

/**
 * Appends spans to a file as OTLP JSON lines: each line is one ExportTraceServiceRequest (OpenTelemetry Protocol
 * File Exporter specification). Jaeger's upload, otel-tui and the Collector's OTLP JSON file receiver read it.
 * @throws VconOtelError `FILE_UNUSABLE` when the file cannot be opened for appending
 */
export function otlpFileExporter(settings: { readonly path: string }): SpanExporter {
  return new OtlpFileExporter(settings.path);
}

class OtlpFileExporter implements SpanExporter {
  readonly #file: number;
  /** Resolves when all writes so far are done, well or not. */
  #written: Promise<void> = Promise.resolve();
  /** True when the file does not end with a whole line. */
  #torn: boolean;
  #shutdown: Promise<void> | undefined;

  constructor(path: string) {
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#file = openSync(path, 'a+');
      this.#torn = isTorn(this.#file);
    } catch (cause) {
      throw new VconOtelError('FILE_UNUSABLE', `cannot append traces to ${path}: ${errorType(cause)}`, {
        cause,
      });
    }
  }

  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void {
    if (this.#shutdown) {
      const error = new ExportError('the trace file is closed', 'CLOSED', { permanent: true });
      resultCallback({ code: ExportResultCode.FAILED, error });
      return;
    }
    const result = this.#write(this.#written, spans);
    // A callback that throws must not stop the writes after it.
    this.#written = result.then(resultCallback).catch(() => undefined);
  }

  forceFlush(): Promise<void> {
    return this.#written;
  }

  shutdown(): Promise<void> {
    this.#shutdown ??= this.#written.then(() => closeSync(this.#file));
    return this.#shutdown;
  }

  async #write(before: Promise<void>, spans: ReadableSpan[]): Promise<ExportResult> {
    await before;
    let encoded = false;
    try {
      const lines = encode(spans);
      encoded = true;
      const data = this.#torn ? Buffer.concat([NEW_LINE, lines]) : lines;
      this.#torn = true;
      await appendAll(this.#file, data);
      this.#torn = false;
      return { code: ExportResultCode.SUCCESS };
    } catch (error) {
      const type = errorType(error);
      // A disk that is full has room again some day.
      const failure = new ExportError(`cannot write traces: ${type}`, type, { permanent: !encoded });
      return { code: ExportResultCode.FAILED, error: failure };
    }
  }
}

const appendAll = promisify(writeFile);
const NEW_LINE = Buffer.from('\n');
/** The Collector's file receivers cut lines at 1 MiB unless told otherwise. */
const MAX_LINE = 1024 * 1024;
/** A span of ours takes about 1 kB. */
const SPANS_PER_LINE = 512;

function encode(spans: readonly ReadableSpan[]): Buffer {
  const lines: Uint8Array[] = [];
  for (let i = 0; i < spans.length; i += SPANS_PER_LINE) addLines(lines, spans.slice(i, i + SPANS_PER_LINE));
  return Buffer.concat(lines);
}

function addLines(lines: Uint8Array[], spans: ReadableSpan[]): void {
  const line = JsonTraceSerializer.serializeRequest(spans);
  if (!line) throw new Error('spans cannot be encoded');
  if (line.length < MAX_LINE || spans.length === 1) {
    lines.push(line, NEW_LINE);
    return;
  }
  const half = Math.ceil(spans.length / 2);
  addLines(lines, spans.slice(0, half));
  addLines(lines, spans.slice(half));
}

function isTorn(file: number): boolean {
  const { size } = fstatSync(file);
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  return readSync(file, last, 0, 1, size - 1) === 1 && !last.equals(NEW_LINE);
}
