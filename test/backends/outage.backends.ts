import { setTimeout as wait } from 'node:timers/promises';
import { trace } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTracing, traceChain } from '../../src/index.ts';
import { eventually } from '../support/eventually.ts';
import { presentPrograms } from './present.ts';
import { type Stack, startStack } from './stack.ts';

const A_SECOND = 1_000;
/** Runs a second, and how long the Collector is away: what the issue asks for. */
const RATE = 20;
const AWAY = 60 * A_SECOND;

/** A program's chains go on, whatever happens to the stack. */
describe('nothing is lost', () => {
  let stack: Stack;
  let tracing: Awaited<ReturnType<typeof startTracing>>;
  const traceIds: string[] = [];

  beforeAll(async () => {
    stack = await startStack(await presentPrograms());
    process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = `${stack.otlp}/v1/traces`;
    tracing = await startTracing({ service_name: 'outage' });
  });
  afterAll(async () => {
    delete process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
    await tracing?.shutdown();
    await stack?.stop();
  });

  test('a Collector that is down for a minute: every run is in Jaeger, and the adapter heard it', async () => {
    const stop = runChains(traceIds);
    await wait(2 * A_SECOND);
    await stack.collector.stop();
    await wait(AWAY);
    await stack.collector.start();
    await wait(2 * A_SECOND);
    await stop();
    await tracing.forceFlush();
    expect(traceIds.length).toBeGreaterThan((RATE * AWAY) / A_SECOND / 2);
    await isHeard(stack, traceIds.length);
    await isInJaeger(stack, traceIds);
    expect(tracing.stats().exporters.otlp).toMatchObject({ failed: 0, dropped: 0, pending: 0 });
  });

  test('an adapter that is killed while the Collector is restarted: it hears all of it afterwards', async () => {
    const before = traceIds.length;
    const stop = runChains(traceIds);
    await wait(A_SECOND);
    await stack.adapter.stop('SIGKILL');
    await wait(5 * A_SECOND);
    await stack.collector.stop();
    await stack.collector.start();
    await wait(2 * A_SECOND);
    await stop();
    await tracing.forceFlush();
    await stack.adapter.start();
    expect(traceIds.length).toBeGreaterThan(before + RATE);
    await isInJaeger(stack, traceIds);
    // Its counters begin anew with each start; its ledger does not.
    await eventually(
      'the ledger has every run',
      async () => ((await ledgerRecords(stack)) === EVENTS * traceIds.length ? true : undefined),
      120 * A_SECOND,
    );
  });
});

/** chain, two links and a storage, each with a start and an end. */
const EVENTS = 8;

/** Starts chains at a steady pace. @returns ends that, when the last one is over */
function runChains(traceIds: string[]): () => Promise<void> {
  let going = true;
  const ended = (async () => {
    while (going) {
      traceIds.push(await aChain());
      await wait(A_SECOND / RATE);
    }
  })();
  return async () => {
    going = false;
    await ended;
  };
}

async function aChain(): Promise<string> {
  let traceId = '';
  const uuid = crypto.randomUUID();
  await traceChain({ name: 'outage', links: ['first', 'second'] }, uuid, async (run) => {
    await run.link('first', async (vcon) => {
      traceId = trace.getActiveSpan()?.spanContext().traceId ?? '';
      return vcon;
    });
    await run.link('second', async (vcon) => vcon);
    await run.storage({ name: 'files' }, async () => {});
  });
  return traceId;
}

function isHeard({ prometheus }: Stack, runs: number): Promise<true> {
  return eventually(
    `the adapter has heard ${runs} runs`,
    async () => {
      const [heard] = await prometheus.query(
        'sum(vcon_chain_duration_seconds_count{vcon_chain_name="outage"})',
      );
      return heard?.value === runs || undefined;
    },
    120 * A_SECOND,
  );
}

function isInJaeger({ jaeger }: Stack, traceIds: readonly string[]): Promise<true> {
  const missing = new Set(traceIds);
  return eventually(
    'Jaeger has every run, whole',
    async () => {
      for (const id of [...missing].slice(0, 100))
        if ((await jaeger.trace(id))?.spans.length === 4) missing.delete(id);
      return missing.size === 0 || undefined;
    },
    120 * A_SECOND,
  );
}

async function ledgerRecords({ prometheus }: Stack): Promise<number | undefined> {
  return (await prometheus.query('max(vcon_ledger_records)'))[0]?.value;
}
