import { type Attributes, context, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { AlwaysOffSampler, createAlwaysRecordSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DURATION_BUCKETS } from '../../src/model/semconv.ts';
import { SpanMetricsProcessor } from '../../src/service/span-metrics-processor.ts';
import { startMeters } from '../exporters/collected.ts';
import { recordLog } from '../exporters/recorded-log.ts';

const VCON = '00000000-0000-4000-8000-0000000canary';
const OURS = { vcon_id: VCON, chain_name: 'main' };

let meters: ReturnType<typeof startMeters>;
let processor: SpanMetricsProcessor;
let provider: TracerProvider;

beforeEach(() => {
  meters = startMeters();
  processor = new SpanMetricsProcessor({ meterProvider: meters.meterProvider });
  provider = new TracerProvider({ spanProcessors: [processor] });
});
afterEach(() => meters.stop());

function start(name: string, attributes: Attributes = OURS, parent?: Span, startTime?: number): Span {
  return provider
    .getTracer('test')
    .startSpan(
      name,
      { attributes, ...(startTime === undefined ? {} : { startTime }) },
      parent ? trace.setSpan(context.active(), parent) : context.active(),
    );
}

function fail(span: Span): Span {
  return span.setStatus({ code: SpanStatusCode.ERROR });
}

/** Every series of a metric: its attributes and its count (of a histogram) or value. */
async function seriesOf(name: string): Promise<[Attributes, number][]> {
  const metric = (await meters.collect()).find(({ descriptor }) => descriptor.name === name);
  return (metric?.dataPoints ?? []).map(({ attributes, value }) => [
    attributes,
    typeof value === 'number' ? value : value.count,
  ]);
}

describe('durations', () => {
  test('a chain, a link and a storage are each recorded with their names and outcome', async () => {
    const chain = start('vcon_processing.main');
    start('link.tag', OURS, chain).end();
    start('storage.files', OURS, chain).end();
    chain.end();
    expect(await seriesOf('vcon.chain.duration')).toEqual([
      [{ 'vcon.chain.name': 'main', 'vcon.chain.outcome': 'complete' }, 1],
    ]);
    expect(await seriesOf('vcon.link.duration')).toEqual([
      [{ 'vcon.chain.name': 'main', 'vcon.link.name': 'tag', 'vcon.link.outcome': 'success' }, 1],
    ]);
    expect(await seriesOf('vcon.storage.duration')).toEqual([
      [{ 'vcon.chain.name': 'main', 'vcon.storage.name': 'files', 'vcon.storage.outcome': 'success' }, 1],
    ]);
  });

  test('a duration is in seconds, in buckets from 5 ms to 30 min', async () => {
    start('link.tag', OURS, undefined, 1_000_000_000_000).end(1_000_000_001_500);
    const [metric] = (await meters.collect()).filter(
      ({ descriptor }) => descriptor.name === 'vcon.link.duration',
    );
    expect(metric?.descriptor.unit).toBe('s');
    expect(metric?.dataPoints[0]?.value).toMatchObject({
      sum: 1.5,
      buckets: { boundaries: DURATION_BUCKETS },
    });
  });

  test('a halt is an outcome of its own', async () => {
    start('link.filter').setAttribute('vcon.link.outcome', 'halt').end();
    start('vcon_processing.main').setAttribute('vcon.chain.outcome', 'halted').end();
    expect((await seriesOf('vcon.link.duration'))[0]?.[0]['vcon.link.outcome']).toBe('halt');
    expect((await seriesOf('vcon.chain.duration'))[0]?.[0]['vcon.chain.outcome']).toBe('halted');
  });

  test.each([
    ['error.type', (span: Span) => span.setAttribute('error.type', 'ECONNREFUSED'), 'ECONNREFUSED'],
    [
      'the exception of a Python span',
      (span: Span) => span.addEvent('exception', { 'exception.type': 'requests.Timeout' }),
      'requests.Timeout',
    ],
    ['nothing', (span: Span) => span, '_OTHER'],
    ['free text', (span: Span) => span.setAttribute('error.type', 'call +15550100 failed'), '_OTHER'],
    ['a number', (span: Span) => span.setAttribute('error.type', 500), '_OTHER'],
  ])('the type of an error comes from %s', async (_, describeError, type) => {
    fail(describeError(start('link.tag'))).end();
    fail(describeError(start('storage.files'))).end();
    fail(describeError(start('vcon_processing.main'))).end();
    expect(await seriesOf('vcon.link.duration')).toEqual([
      [
        {
          'vcon.chain.name': 'main',
          'vcon.link.name': 'tag',
          'vcon.link.outcome': 'error',
          'error.type': type,
        },
        1,
      ],
    ]);
    expect((await seriesOf('vcon.storage.duration'))[0]?.[0]).toMatchObject({
      'vcon.storage.outcome': 'error',
      'error.type': type,
    });
    expect((await seriesOf('vcon.chain.duration'))[0]?.[0]).toMatchObject({
      'vcon.chain.outcome': 'error',
      'error.type': type,
    });
  });

  test('a chain fails with its link even where its own span does not say so', async () => {
    const chain = start('vcon_processing.main');
    fail(start('link.tag', OURS, chain).setAttribute('error.type', 'TypeError')).end();
    chain.end();
    expect(await seriesOf('vcon.chain.duration')).toEqual([
      [{ 'vcon.chain.name': 'main', 'vcon.chain.outcome': 'error', 'error.type': 'TypeError' }, 1],
    ]);
  });

  test('a failed storage does not fail its chain, and a failed link no other chain', async () => {
    const [one, two] = [start('vcon_processing.main'), start('vcon_processing.main')];
    fail(start('storage.files', OURS, one)).end();
    fail(start('link.tag', OURS, two)).end();
    one.end();
    two.end();
    const outcomes = (await seriesOf('vcon.chain.duration')).map(([attributes, count]) => [
      attributes['vcon.chain.outcome'],
      count,
    ]);
    expect(Object.fromEntries(outcomes)).toEqual({ complete: 1, error: 1 });
  });

  test('an outcome of somebody else’s making does not become a series', async () => {
    start('link.tag').setAttribute('vcon.link.outcome', VCON).end();
    start('vcon_processing.main').setAttribute('vcon.chain.outcome', VCON).end();
    expect(JSON.stringify(await meters.collect())).not.toContain('canary');
  });

  test('spans that are not sampled count too', async () => {
    provider = new TracerProvider({
      sampler: createAlwaysRecordSampler(new AlwaysOffSampler()),
      spanProcessors: [processor],
    });
    start('link.tag').end();
    expect((await seriesOf('vcon.link.duration'))[0]?.[1]).toBe(1);
  });

  test.each([
    ['another name', 'GET', OURS],
    ['no chain', 'link.tag', { vcon_id: VCON }],
    ['no vCon', 'link.tag', { chain_name: 'main' }],
    ['a chain that is no string', 'vcon_processing.main', { vcon_id: VCON, chain_name: 5 }],
    ['no link', 'link.', OURS],
  ])('a span with %s is not ours', async (_, name, attributes) => {
    start(name, attributes).end();
    expect(await meters.collect()).toEqual([]);
  });

  test('more combinations than the SDK tells apart are all recorded', async () => {
    for (let i = 0; i < 2_500; i += 1) start(`link.l${i}`).end();
    const total = (await seriesOf('vcon.link.duration')).reduce((sum, [, count]) => sum + count, 0);
    expect(total).toBe(2_500);
  });
});

describe('runs under way', () => {
  async function active(): Promise<Record<string, number>> {
    const series = await seriesOf('vcon.chain.active');
    return Object.fromEntries(
      series.map(([attributes, runs]) => [String(attributes['vcon.chain.name']), runs]),
    );
  }

  test('a run is active from its start to its end, whatever its outcome', async () => {
    const spans = ['main', 'main', 'second'].map((name) =>
      start(`vcon_processing.${name}`, { vcon_id: VCON, chain_name: name }),
    );
    expect(await active()).toEqual({ main: 2, second: 1 });
    spans[0]?.end();
    if (spans[2]) fail(spans[2]).end();
    expect(await active()).toEqual({ main: 1, second: 0 });
    spans[1]?.end();
    expect(await active()).toEqual({ main: 0, second: 0 });
  });

  test('a chain that says something else at its end than at its start leaves nothing behind', async () => {
    start('vcon_processing.main').setAttribute('chain_name', 'other').end();
    start('vcon_processing.main').setAttribute('chain_name', 5).end();
    start('vcon_processing.main').updateName('renamed').end();
    start('vcon_processing.main', {}).setAttributes(OURS).end();
    expect(await active()).toEqual({ main: 0 });
  });

  test('an end without a start and a start told twice change nothing', async () => {
    const late = new SpanMetricsProcessor({ meterProvider: meters.meterProvider });
    const span = start('vcon_processing.main');
    provider = new TracerProvider({
      spanProcessors: [
        {
          ...quiet,
          onStart: (s) => {
            late.onStart(s);
            late.onStart(s);
          },
          onEnd: (s) => {
            late.onEnd(s);
            late.onEnd(s);
          },
        },
      ],
    });
    await processor.shutdown();
    start('vcon_processing.main').end();
    span.end();
    expect(await active()).toEqual({ main: 0 });
  });

  test('after shutdown nothing is active, and spans do no harm', async () => {
    const span = start('vcon_processing.main');
    await processor.shutdown();
    await processor.shutdown();
    expect(await active()).toEqual({ main: 0 });
    span.end();
    expect(await active()).toEqual({ main: 0 });
  });
});

const quiet = { forceFlush: async () => {}, shutdown: async () => {} };

test('no metric holds a uuid', async () => {
  const chain = start('vcon_processing.main', { ...OURS, 'vcon.uuid': VCON });
  start('link.tag', { ...OURS, 'vcon.uuid': VCON }, chain)
    .setAttribute('vcon.out_uuid', VCON)
    .end();
  chain.end();
  expect(JSON.stringify(await meters.collect())).not.toContain('canary');
});

test('a meter provider that throws is logged once and does not reach the application', async () => {
  const log = recordLog();
  const broken = new SpanMetricsProcessor({
    meterProvider: {
      getMeter: () => {
        throw new TypeError('canary');
      },
    },
  });
  provider = new TracerProvider({ spanProcessors: [broken] });
  start('vcon_processing.main').end();
  start('link.tag').end();
  await broken.shutdown();
  expect(log.lines).toEqual(['vcon-otel/exporters metrics of a span could not be made: TypeError']);
  log.stop();
});
