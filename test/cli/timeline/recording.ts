import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  type SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { onTestFinished } from 'vitest';
import { endSpan, insideChain, startSpan } from '../../../src/instrumentation/recorder.ts';
import type { ChainOutcome, LinkOutcome } from '../../../src/model/event.ts';
import { CONSERVER_ATTR, SCOPE_NAME, spanName } from '../../../src/model/semconv.ts';

/** A process of the real SDK whose ended spans are handed out as lines of OTLP JSON. */
export interface Recording {
  readonly tracer: Tracer;
  /** One request with everything that ended since the last call. */
  line(): string;
}

export function record(instanceId = 'process-1', scope = SCOPE_NAME): Recording {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.instance.id': instanceId }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  onTestFinished(() => provider.shutdown());
  return {
    tracer: provider.getTracer(scope),
    line: () => {
      const bytes = JsonTraceSerializer.serializeRequest([...exporter.getFinishedSpans()]);
      exporter.reset();
      return new TextDecoder().decode(bytes);
    },
  };
}

/** Milliseconds since the Unix epoch at which every recording begins. */
export const BEGIN = Date.UTC(2026, 0, 31, 12);

export const VCON = '0198aaaa-0000-8000-8000-000000000001';
export const NEW_VCON = '0198bbbb-0000-8000-8000-000000000002';

/** A link or storage; times are milliseconds from the start of the run. */
export interface RecordedStep {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly outcome?: LinkOutcome;
  readonly vcon?: string;
  readonly outVcon?: string;
  readonly inside?: (span: Span) => void;
}

export interface RecordedRun {
  readonly chain?: string;
  readonly vcon?: string;
  readonly outVcon?: string;
  /** Milliseconds from the beginning of the recording. */
  readonly at?: number;
  readonly duration: number;
  readonly outcome?: ChainOutcome;
  readonly links?: readonly RecordedStep[];
  readonly storages?: readonly RecordedStep[];
  readonly queuedBy?: Span;
}

/** Records a run by the project's own recorder, at given times. */
export function recordRun(tracer: Tracer, run: RecordedRun): Span {
  const {
    chain = 'intake',
    vcon = VCON,
    at = 0,
    duration,
    outcome = 'complete',
    links = [],
    storages = [],
  } = run;
  const begin = BEGIN + at;
  const span = startSpan(
    tracer,
    {
      stage: 'chain',
      chain,
      vconUuid: vcon,
      links: links.map((link) => link.name),
      queuedBy: run.queuedBy?.spanContext(),
    },
    ROOT_CONTEXT,
    begin,
  );
  for (const [index, step] of links.entries()) {
    const { name, outcome = 'success' } = step;
    const start = { stage: 'link', chain, vconUuid: step.vcon ?? vcon, name, index } as const;
    const link = startSpan(tracer, start, insideChain(span), begin + step.from);
    step.inside?.(link);
    const failed = outcome === 'error' ? 'RangeError' : undefined;
    const end = { outcome, outVconUuid: step.outVcon, errorType: failed };
    endSpan(link, 'link', name, end, begin + step.to);
  }
  for (const step of storages) {
    const { name, outcome } = step;
    const start = { stage: 'storage', chain, vconUuid: step.vcon ?? vcon, name } as const;
    const storage = startSpan(tracer, start, insideChain(span), begin + step.from);
    step.inside?.(storage);
    const failed = outcome === 'error';
    const end = failed ? { outcome, errorType: 'ECONNREFUSED' } : ({ outcome: 'success' } as const);
    endSpan(storage, 'storage', name, end, begin + step.to);
  }
  endSpan(span, 'chain', chain, { outcome, outVconUuid: run.outVcon ?? vcon }, begin + duration);
  return span;
}

/** A span of a library, `from` and `to` in milliseconds from the beginning of the recording. */
export function foreignSpan(
  tracer: Tracer,
  name: string,
  parent: Span | undefined,
  from: number,
  to: number,
): Span {
  const context = parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
  const span = tracer.startSpan(name, { startTime: BEGIN + from }, context);
  span.end(BEGIN + to);
  return span;
}

export interface PythonStep {
  readonly stage: 'chain' | 'link' | 'storage';
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly vcon?: unknown;
  readonly status?: SpanStatusCode;
  readonly exception?: string;
}

/** A span with the attributes of the Python conserver and none of ours (CONSERVER §4). */
export function pythonSpan(tracer: Tracer, chain: string, step: PythonStep, parent?: Span): Span {
  const attributes: Attributes = {
    [CONSERVER_ATTR.chainName]: chain,
    [CONSERVER_ATTR.vconId]: step.vcon === true ? true : String(step.vcon ?? VCON),
  };
  const context = parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
  const span = tracer.startSpan(
    spanName(step.stage, step.name),
    { attributes, startTime: BEGIN + step.from },
    context,
  );
  if (step.exception) span.addEvent('exception', { 'exception.type': step.exception });
  if (step.status !== undefined) span.setStatus({ code: step.status });
  span.end(BEGIN + step.to);
  return span;
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vcon-otel-timeline-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a file of spans into a folder of its own. */
export async function traceFile(...lines: readonly string[]): Promise<string> {
  const path = join(await temporaryFolder(), 'traces.otlp.jsonl');
  await writeFile(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}
