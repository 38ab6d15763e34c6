import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readRuns } from '../../../src/cli/timeline/index.ts';
import { record, recordRun, temporaryFolder, traceFile } from './recording.ts';

const ALL = { limit: 0 };

const FORMS: Readonly<Record<string, (text: string) => string | Buffer>> = {
  "Tempo's first API": (text) => JSON.stringify({ batches: inBase64(text).resourceSpans }),
  "Tempo's second API": (text) => JSON.stringify({ trace: inBase64(text) }),
  'OTLP of old': (text) =>
    text
      .replaceAll('scopeSpans', 'instrumentationLibrarySpans')
      .replaceAll('"scope"', '"instrumentationLibrary"'),
  'a packed file of lines': (text) => gzipSync(`${text}\n`),
  'a packed document': (text) => gzipSync(JSON.stringify(JSON.parse(text), null, 2)),
  "Jaeger's UI": (text) => JSON.stringify({ data: [inJaeger(JSON.parse(text))] }),
};

describe('what others export', () => {
  it.each(Object.entries(FORMS))('%s: the same run is read', async (_name, exported) => {
    const { tracer, line } = record();
    recordRun(tracer, {
      duration: 100,
      links: [{ name: 'tag', from: 1, to: 21 }],
      storages: [{ name: 'files', from: 61, to: 99 }],
    });
    const text = line();
    const path = join(await temporaryFolder(), 'exported');
    await writeFile(path, exported(text));
    const timeline = await readRuns(path, ALL);
    expect(timeline.runs).toHaveLength(1);
    expect(timeline).toEqual(await readRuns(await traceFile(text), ALL));
  });
});

function inBase64(text: string): OtlpRequest {
  return JSON.parse(text, (key, value) =>
    /^(trace|span|parentSpan)Id$/.test(key) ? Buffer.from(value, 'hex').toString('base64') : value,
  );
}

/** What Jaeger makes of an OTLP request. */
function inJaeger(request: OtlpRequest) {
  const spans = request.resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans: ofScope }) => ofScope.map((span) => ({ ...span, scope }))),
  );
  return {
    traceID: spans[0]?.traceId,
    spans: spans.map(
      ({ traceId, spanId, parentSpanId, name, startTimeUnixNano, endTimeUnixNano, ...span }) => ({
        traceID: traceId.replace(/^0+/, ''),
        spanID: spanId,
        operationName: name,
        references: parentSpanId ? [{ refType: 'CHILD_OF', traceID: traceId, spanID: parentSpanId }] : [],
        startTime: Number(BigInt(startTimeUnixNano) / 1_000n),
        duration: Number((BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1_000n),
        tags: [
          { key: 'otel.scope.name', value: span.scope.name },
          ...(span.status.code === 2 ? [{ key: 'otel.status_code', value: 'ERROR' }] : []),
          ...inTags(span.attributes),
        ],
        logs: span.events.map((event) => ({
          fields: [{ key: 'event', value: event.name }, ...inTags(event.attributes)],
        })),
        processID: 'p1',
      }),
    ),
    processes: {
      p1: { serviceName: 'x', tags: inTags(request.resourceSpans[0]?.resource.attributes ?? []) },
    },
  };
}

function inTags(attributes: readonly { key: string; value: Record<string, unknown> }[]) {
  return attributes.map(({ key, value: { arrayValue, ...single } }) => {
    const list = (arrayValue as { values: { stringValue: string }[] } | undefined)?.values;
    return {
      key,
      value: list ? JSON.stringify(list.map((item) => item.stringValue)) : Object.values(single)[0],
    };
  });
}

interface OtlpRequest {
  resourceSpans: {
    resource: { attributes: { key: string; value: Record<string, unknown> }[] };
    scopeSpans: {
      scope: { name: string };
      spans: {
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        name: string;
        startTimeUnixNano: string;
        endTimeUnixNano: string;
        status: { code: number };
        attributes: { key: string; value: Record<string, unknown> }[];
        events: { name: string; attributes: { key: string; value: Record<string, unknown> }[] }[];
      }[];
    }[];
  }[];
}
