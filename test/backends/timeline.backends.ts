import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CAPTURES, capturedRequests, NO_CAPTURES } from '../support/captures.ts';
import { eventually } from '../support/eventually.ts';
import { command } from './command.ts';
import { type DemoRun, runDemo } from './demo-run.ts';
import { type JaegerSpan, tagOf } from './jaeger-api.ts';
import { presentPrograms } from './present.ts';
import { type RecordedSpan, spansOf } from './recorded.ts';
import { type Stack, startStack } from './stack.ts';

/** What a person sees of runs in Jaeger. */
describe('a timeline in Jaeger', () => {
  let stack: Stack;
  let demo: DemoRun;

  beforeAll(async () => {
    stack = await startStack(await presentPrograms());
    demo = await runDemo(stack.otlp);
    await shown(stack, demo.spans);
  });
  afterAll(() => stack?.stop());

  test('the Collector and Prometheus accept their files as they are shipped', async () => {
    const { collector, promtool, without } = await presentPrograms();
    if (without.length === 0) {
      const validated = await command(collector, ['validate', '--config', 'otel-collector.yaml']);
      expect(validated).toMatchObject({ code: 0 });
    }
    const checked = await command(promtool, ['check', 'config', 'deploy/prometheus/prometheus.yml']);
    expect(checked).toMatchObject({ code: 0 });
  });

  test('every span is there as it was recorded: name, kind, parent, links, status', async () => {
    expect(demo).toMatchObject({ droppedSpans: 0, runs: { complete: 33, halted: 3, error: 1 } });
    const seen = await spansInJaeger(stack, demo.spans);
    expect(seen.map(facts).toSorted()).toEqual(demo.spans.map(recordedFacts).toSorted());
  });

  test('a trace is one run: one root, which is its chain, and no span without its parent', async () => {
    for (const trace of await stack.jaeger.traces('vcon-otel-demo')) {
      const ids = new Set(trace.spans.map(({ spanID }) => spanID));
      const roots = trace.spans.filter((span) => parentOf(span) === undefined);
      expect(roots.map(({ operationName }) => operationName)).toEqual([
        expect.stringMatching(/^vcon_processing\./),
      ]);
      for (const span of trace.spans) expect(ids).toContain(parentOf(span) ?? span.spanID);
    }
  });

  test('Jaeger warns of nothing', async () => {
    const traces = await stack.jaeger.traces('vcon-otel-demo');
    expect(traces.length).toBe(new Set(demo.spans.map(({ traceId }) => traceId)).size);
    expect(
      traces.flatMap(({ warnings, spans }) => [warnings, ...spans.map((span) => span.warnings)]),
    ).toEqual(traces.flatMap(({ spans }) => [null, ...spans.map(() => null)]));
  });

  test('a chain is tied to the one that queued it', async () => {
    const chains = (await stack.jaeger.traces('vcon-otel-demo')).flatMap(({ spans }) =>
      spans.filter(({ operationName }) => operationName.startsWith('vcon_processing.')),
    );
    const ids = new Set(chains.map(({ spanID }) => spanID));
    const queued = chains.filter(({ operationName }) => operationName !== 'vcon_processing.intake');
    expect(queued.length).toBeGreaterThan(0);
    for (const { references } of queued)
      expect(references).toEqual([
        {
          refType: 'FOLLOWS_FROM',
          traceID: expect.any(String),
          spanID: expect.toSatisfy((id) => ids.has(id)),
        },
      ]);
  });

  test('an error is red on the link and on its chain', async () => {
    const red = await stack.jaeger.traces('vcon-otel-demo', { 'vcon.chain.outcome': 'error' });
    expect(red).toHaveLength(1);
    const failed = red[0]?.spans.filter((span) => tagOf(span, 'error') === true) ?? [];
    expect(failed.map(({ operationName }) => operationName.split('.')[0]).toSorted()).toEqual([
      'link',
      'vcon_processing',
    ]);
    for (const span of failed) expect(tagOf(span, 'error.type')).toBe('VCON_INVALID');
  });

  test('a halt can be searched for', async () => {
    const halted = await stack.jaeger.traces('vcon-otel-demo', { 'vcon.chain.outcome': 'halted' });
    expect(halted).toHaveLength(3);
    expect((await stack.jaeger.traces('vcon-otel-demo', { 'vcon.link.outcome': 'halt' })).length).toBe(3);
  });

  test('a vCon can be searched for by its uuid', async () => {
    const uuid = demo.spans[0]?.attributes.get('vcon.uuid') as string;
    const expected = new Set(
      demo.spans
        .filter(({ attributes }) => attributes.get('vcon.uuid') === uuid)
        .map(({ traceId }) => traceId),
    );
    const found = await stack.jaeger.traces('vcon-otel-demo', { 'vcon.uuid': uuid });
    expect(found.map(({ traceID }) => traceID).toSorted()).toEqual([...expected].toSorted());
  });

  test('a storage is a peer', async () => {
    const storages = (await spansInJaeger(stack, demo.spans)).filter(({ operationName }) =>
      operationName.startsWith('storage.'),
    );
    expect(storages.length).toBeGreaterThan(0);
    for (const span of storages) {
      expect(tagOf(span, 'span.kind')).toBe('client');
      expect(`storage.${tagOf(span, 'peer.service')}`).toBe(span.operationName);
    }
  });

  test('the service graph has an edge to each storage', async (context) => {
    const { without } = await presentPrograms();
    context.skip(without.includes('service_graph'), 'this Collector was built without service_graph');
    const edges = await eventually(
      'the edges are there',
      async () => {
        const servers = await stack.prometheus.byLabel('traces_service_graph_request_total', 'server');
        return servers.archive && servers.warehouse ? servers : undefined;
      },
      90_000,
    );
    expect(Object.keys(edges)).toEqual(expect.arrayContaining(['archive', 'warehouse']));
  });

  test('the Monitor page has the rate of each service', async () => {
    await eventually(
      'Jaeger has rates',
      async () => {
        const rates = await stack.jaeger.callRate('vcon-otel-demo');
        return rates.length > 0 || undefined;
      },
      90_000,
    );
  });
});

describe.skipIf(NO_CAPTURES)(`what a Python conserver sends (${NO_CAPTURES ?? 'recorded'})`, () => {
  let stack: Stack;
  let recorded: RecordedSpan[];

  beforeAll(async () => {
    stack = await startStack(await presentPrograms());
    const requests = capturedRequests();
    recorded = requests.flatMap(({ json }) => spansOf(JSON.parse(json.toString())));
    for (const { protobuf } of requests) await postTraces(stack.otlp, protobuf);
    await shown(stack, recorded);
  });
  afterAll(() => stack?.stop());

  test('every span is there with its parent and links', async () => {
    const seen = await spansInJaeger(stack, recorded);
    const places = (facts: readonly unknown[]) => JSON.stringify(facts);
    expect(
      seen.map((span) => places([span.spanID, span.operationName, parentOf(span), linksOf(span)])).toSorted(),
    ).toEqual(
      recorded
        .map(({ spanId, name, parentSpanId, links }) => places([spanId, name, parentSpanId, links]))
        .toSorted(),
    );
  });

  test('a failed chain is red, though its span does not say so', async () => {
    const chains = (await spansInJaeger(stack, recorded)).filter(({ operationName }) =>
      operationName.startsWith('vcon_processing.'),
    );
    const red = chains.filter((span) => tagOf(span, 'error') === true);
    const failedLinks = recorded.filter(({ name, failed }) => failed && name.startsWith('link.'));
    expect(red.map(({ spanID }) => spanID).toSorted()).toEqual(
      failedLinks.map(({ parentSpanId }) => parentSpanId).toSorted(),
    );
  });

  test('its storages are peers, and its chains and links found by the names that ours go by', async () => {
    const seen = await spansInJaeger(stack, recorded);
    for (const span of seen.filter(({ operationName }) => operationName.startsWith('storage.'))) {
      expect(`storage.${tagOf(span, 'peer.service')}`).toBe(span.operationName);
      expect(tagOf(span, 'span.kind')).toBe('client');
    }
    for (const span of seen.filter(({ operationName }) => operationName.startsWith('link.')))
      expect(`link.${tagOf(span, 'vcon.link.name')}`).toBe(span.operationName);
  });

  test('nothing personal is left: not in a message, an event or an attribute', async () => {
    const raw = capturedRequests().map(({ json }) => json.toString());
    expect(raw.join()).toContain(PERSONAL);
    const seen = JSON.stringify(await spansInJaeger(stack, recorded));
    expect(seen).not.toContain(PERSONAL.slice(2));
    expect(seen).not.toMatch(/exception\.(message|stacktrace)|db\.statement|url\.full|http\.url/);
    // What failed is still said.
    expect(seen).toMatch(/exception\.type/);
  });
});

/** What a link of a recording put into its error message. */
const PERSONAL = '+15551234567';

async function postTraces(otlp: string, body: Buffer): Promise<void> {
  const response = await fetch(`${otlp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: new Uint8Array(body),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok)
    throw new Error(`the Collector answered ${response.status} to a recording of ${CAPTURES}`);
}

/** Waits until Jaeger has every span. */
async function shown(stack: Stack, spans: readonly RecordedSpan[]): Promise<void> {
  await eventually(
    'Jaeger shows every span',
    async () => {
      const seen = await spansInJaeger(stack, spans);
      return seen.length >= new Set(spans.map(({ spanId }) => spanId)).size || undefined;
    },
    90_000,
  );
}

async function spansInJaeger({ jaeger }: Stack, spans: readonly RecordedSpan[]): Promise<JaegerSpan[]> {
  const ids = [...new Set(spans.map(({ traceId }) => traceId))];
  const traces = await Promise.all(ids.map((id) => jaeger.trace(id)));
  return traces.flatMap((trace) => trace?.spans ?? []);
}

function parentOf({ references }: JaegerSpan): string | undefined {
  return references.find(({ refType }) => refType === 'CHILD_OF')?.spanID;
}

function linksOf({ references }: JaegerSpan): string[] {
  return references.filter(({ refType }) => refType === 'FOLLOWS_FROM').map(({ spanID }) => spanID);
}

/** OTLP's numbers for a span's kind, in Jaeger's words. */
const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer'];

function facts(span: JaegerSpan): string {
  const { traceID, spanID, operationName } = span;
  const red = tagOf(span, 'error') === true;
  return JSON.stringify([
    traceID,
    spanID,
    operationName,
    tagOf(span, 'span.kind'),
    parentOf(span),
    linksOf(span),
    red,
  ]);
}

function recordedFacts({ traceId, spanId, name, kind, parentSpanId, links, failed }: RecordedSpan): string {
  return JSON.stringify([traceId, spanId, name, KINDS[kind], parentSpanId, links, failed]);
}
