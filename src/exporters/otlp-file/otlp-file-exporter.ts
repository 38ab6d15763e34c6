import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { errorType, VconOtelError } from '../../model/error.ts';
import { PartlyWritten } from '../../persistence/batches.ts';
import { LineFile } from '../../persistence/line-file.ts';
import { ExportError } from '../export-error.ts';

/**
 * Appends spans to a file as OTLP JSON lines: each line is one ExportTraceServiceRequest (OpenTelemetry Protocol
 * File Exporter specification). Jaeger's upload, otel-tui and the Collector's OTLP JSON file receiver read it.
 * @throws VconOtelError `FILE_UNUSABLE` when the file cannot be opened for appending
 */
export function otlpFileExporter(settings: { readonly path: string }): SpanExporter {
  return new OtlpFileExporter(settings.path);
}

class OtlpFileExporter implements SpanExporter {
  readonly #file: LineFile;
  /** Resolves when all writes so far are done, well or not. */
  #written: Promise<void> = Promise.resolve();
  #shutdown: Promise<void> | undefined;

  constructor(path: string) {
    try {
      this.#file = new LineFile(path);
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
    this.#shutdown ??= this.#written.then(() => this.#file.close());
    return this.#shutdown;
  }

  async #write(before: Promise<void>, spans: ReadableSpan[]): Promise<ExportResult> {
    await before;
    try {
      await this.#file.write(encode(spans));
      return { code: ExportResultCode.SUCCESS };
    } catch (error) {
      // A disk that is full has room again some day; spans that cannot be encoded never can.
      const isOfDisk = error instanceof PartlyWritten;
      const type = errorType(isOfDisk ? error.cause : error);
      const failure = new ExportError(`cannot write traces: ${type}`, type, { permanent: !isOfDisk });
      return { code: ExportResultCode.FAILED, error: failure };
    }
  }
}

const NEW_LINE = Buffer.from('\n');
/** The Collector's file receivers cut lines at 1 MiB unless told otherwise. */
const MAX_LINE = 1024 * 1024;
/** A span of ours takes about 1 kB. */
const SPANS_PER_LINE = 512;

/** Lines with their line breaks. @throws Error where a span cannot be encoded */
function encode(spans: readonly ReadableSpan[]): Buffer[] {
  const lines: Buffer[] = [];
  for (let i = 0; i < spans.length; i += SPANS_PER_LINE) addLines(lines, spans.slice(i, i + SPANS_PER_LINE));
  return lines;
}

function addLines(lines: Buffer[], spans: ReadableSpan[]): void {
  const line = JsonTraceSerializer.serializeRequest(spans);
  if (!line) throw new Error('spans cannot be encoded');
  if (line.length < MAX_LINE || spans.length === 1) {
    lines.push(Buffer.concat([line, NEW_LINE]));
    return;
  }
  const half = Math.ceil(spans.length / 2);
  addLines(lines, spans.slice(0, half));
  addLines(lines, spans.slice(half));
}
