import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTracing, traceChain } from '../../src/index.ts';
import { eventually } from '../support/eventually.ts';
import type { JaegerTrace } from './jaeger-api.ts';
import { tagOf } from './jaeger-api.ts';
import { presentPrograms } from './present.ts';
import { type Stack, startStack, TOKEN } from './stack.ts';

const QUICK = 40;

/** With a share of 0, Jaeger shows what is worth a look and nothing else; everybody else sees everything. */
describe('sampling', () => {
  let stack: Stack;
  let shown: JaegerTrace[];

  beforeAll(async () => {
    stack = await startStack(await presentPrograms(), { SAMPLING_PERCENTAGE: '0', SLOW_CHAIN_MS: '1000' });
    process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = `${stack.otlp}/v1/traces`;
    const tracing = await startTracing({ service_name: 'sampled' });
    for (let count = 0; count < QUICK; count += 1) await aChain('quick', async (vcon) => vcon);
    await aChain('halted', async () => null);
    await aChain('failed', async () => {
      throw new Error('no reason');
    }).catch(() => undefined);
    await aChain('slow', async (vcon) => {
      await wait(1_100);
      return vcon;
    });
    await tracing.shutdown();
    delete process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
    await heard(stack, QUICK + 3);
    shown = await eventually(
      'three are shown',
      async () => {
        const traces = await stack.jaeger.traces('sampled');
        return traces.length >= 3 ? traces : undefined;
      },
      60_000,
    );
  });
  afterAll(() => stack?.stop());

  test('keeps chains that failed, halted or were slow, and no others', () => {
    const chains = shown.flatMap(({ spans }) =>
      spans.filter(({ operationName }) => operationName.startsWith('vcon_processing.')),
    );
    expect(chains.map((span) => tagOf(span, 'chain_name')).toSorted()).toEqual(['failed', 'halted', 'slow']);
  });

  test('the adapter heard every run, and the metrics of spans count every span', async () => {
    expect(await stack.prometheus.byLabel('vcon_chain_duration_seconds_count', 'vcon_chain_name')).toEqual({
      quick: QUICK,
      halted: 1,
      failed: 1,
      slow: 1,
    });
    await eventually(
      'every span is counted',
      async () => {
        const counted = await stack.prometheus.query(
          'sum(traces_span_metrics_calls_total{service_name="sampled",span_name=~"vcon_processing[.].*"})',
        );
        return counted[0]?.value === QUICK + 3 || undefined;
      },
      60_000,
    );
  });

  test('spans that an adapter makes of records do not come back to it', async () => {
    const accepted = async () =>
      (await stack.prometheus.query('sum(vcon_receiver_spans_total)'))[0]?.value ?? 0;
    const before = await accepted();
    const vcon = crypto.randomUUID();
    for (const index of [-1, 0]) await forward(stack, vcon, index);
    const [made] = await eventually(
      'Jaeger shows the run that only records told of',
      async () => {
        const traces = await stack.jaeger.traces('conserver', { 'vcon.uuid': vcon });
        return traces.length > 0 ? traces : undefined;
      },
      90_000,
    );
    expect(made?.spans.map(({ operationName }) => operationName).toSorted()).toEqual([
      'link.only',
      expect.stringMatching(/^vcon_processing\./),
    ]);
    // One more that does come shows that the road is open.
    process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = `${stack.otlp}/v1/traces`;
    const tracing = await startTracing({ service_name: 'sampled' });
    await aChain('quick', async (id) => id);
    await tracing.shutdown();
    delete process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
    await eventually(
      'the run after it is heard',
      async () => ((await accepted()) >= before + 2 ? true : undefined),
      60_000,
    );
    expect(await accepted()).toBe(before + 2);
  });
});

async function aChain(name: string, link: (vcon: string) => Promise<string | null>): Promise<void> {
  await traceChain({ name, links: ['only'] }, crypto.randomUUID(), async (run) => {
    await run.link('only', link);
  });
}

async function forward({ adapterReceiver }: Stack, vcon: string, index: number): Promise<void> {
  const record = {
    v: 1,
    kind: 'run',
    tracer: 'forwarder',
    in: vcon,
    out: vcon,
    links: ['only'],
    index,
    // Slow enough to be shown.
    ts: String(BigInt(Date.now() - (index < 0 ? 2_000 : 0)) * 1_000_000n),
    worker: { host: 'host-a', pid: 11 },
    seq: index + 2,
  };
  const response = await fetch(`${adapterReceiver}/v1/bridge`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify(record),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`the adapter answered ${response.status}: ${await response.text()}`);
}

function heard({ prometheus }: Stack, runs: number): Promise<true> {
  return eventually(
    `the adapter has heard ${runs} runs`,
    async () =>
      (await prometheus.query('sum(vcon_chain_duration_seconds_count)'))[0]?.value === runs || undefined,
    60_000,
  );
}
