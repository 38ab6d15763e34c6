import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HrTime, SpanStatusCode } from '@opentelemetry/api';
import { parse } from 'yaml';
import { nameOf, stageOf } from '../../../src/model/semconv.ts';
import { isVconUuid } from '../../../src/model/vcon.ts';
import type { ChainPlan } from '../../../src/receivers/assembler/story.ts';
import { type ForwardedRecord, readRecord } from '../../../src/receivers/forwarded-record.ts';
import type { ReceivedSpan } from '../../../src/receivers/received-span.ts';

const FOLDER = join(import.meta.dirname, '../../../../shared/captures');

/** Whether the recordings of the Python server are there. */
export const haveCaptures = existsSync(FOLDER);

/** A recording of the Python conserver: what it sent, and what truly happened. */
export interface Capture {
  readonly name: string;
  /** The conserver's spans of each request. */
  readonly requests: readonly (readonly ReceivedSpan[])[];
  readonly records: readonly ForwardedRecord[];
  readonly plans: Readonly<Record<string, ChainPlan>>;
  readonly runs: readonly TrueRun[];
}

/** A run as it truly was. */
export interface TrueRun {
  readonly chain: string;
  readonly rootSpanId: string;
  readonly vconIn: string;
  readonly vconOut: string;
  readonly links: readonly string[];
  readonly outcome: 'complete' | 'halted' | 'error';
  /** What failed was a tracer, after its link had not. */
  readonly tracerFailed?: boolean;
  readonly events: readonly TrueEvent[];
}

interface TrueEvent {
  readonly event: string;
  readonly vcon_uuid: string;
  readonly link?: string;
  readonly link_index?: number;
  readonly storage?: string;
  readonly uuid_before?: string;
  readonly uuid_after?: string;
  readonly outcome?: string;
}

export function readCaptures(): Capture[] {
  return haveCaptures
    ? readdirSync(FOLDER)
        .filter((name) => existsSync(join(FOLDER, name, 'truth.json')))
        .map(readCapture)
    : [];
}

function readCapture(name: string): Capture {
  const read = (file: string) => readFileSync(join(FOLDER, name, file), 'utf8');
  const { runs } = JSON.parse(read('truth.json'));
  const { chains } = parse(read('config.yml'));
  return {
    name,
    requests: JSON.parse(read('requests.json')).map(spansOf),
    records: read('forwarder.jsonl')
      .trim()
      .split('\n')
      .map((line) => readRecord(JSON.parse(line))),
    plans: chains,
    runs: runs.map(
      (run: Json): TrueRun => ({
        chain: run.chain,
        rootSpanId: run.otlp.root_span_id,
        vconIn: run.vcon_in,
        vconOut: run.vcon_out,
        links: run.chain_links,
        outcome: run.outcome,
        events: run.expected_events,
      }),
    ),
  };
}

// biome-ignore lint: x
type Json = Record<string, any>;

function spansOf(request: { resourceSpans: { scopeSpans: { scope: { name: string }; spans: Json[] }[] }[] }) {
  return request.resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) => spans.flatMap((span) => spanOf(scope.name, span) ?? [])),
  );
}

function spanOf(scope: string, span: Json): ReceivedSpan | undefined {
  const stage = stageOf(span.name);
  const attributes = Object.fromEntries(
    (span.attributes ?? ([] as { key: string; value: object }[])).map(
      ({ key, value }: { key: string; value: object }) => [key, Object.values(value)[0]],
    ),
  );
  if (!stage || !attributes.chain_name) return undefined;
  const code = span.status.code ?? 0;
  const isPython = stage === 'chain' && scope.includes('main');
  const failed = isPython ? code !== SpanStatusCode.OK : code === SpanStatusCode.ERROR;
  const said = {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    chain: attributes.chain_name,
    vconUuid: isVconUuid(attributes.vcon_id) ? attributes.vcon_id : undefined,
    start: time(span.startTimeUnixNano),
    end: time(span.endTimeUnixNano),
    failed,
    errorType: code === SpanStatusCode.ERROR ? 'ValueError' : undefined,
    outcome: undefined,
    outVconUuid: undefined,
  };
  const name = nameOf(stage, span.name);
  if (stage === 'chain') return { ...said, stage, links: undefined, queuedBy: [] };
  if (stage === 'link') return { ...said, stage, name, index: Number(attributes.link_index) };
  return { ...said, stage, name };
}

function time(nanos: string): HrTime {
  return [Number(BigInt(nanos) / 1_000_000_000n), Number(BigInt(nanos) % 1_000_000_000n)];
}
