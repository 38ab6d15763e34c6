import { diag } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DeliverySettings } from '../../src/delivery/delivery-policy.ts';
import { traceChain } from '../../src/instrumentation/trace-chain.ts';
import { DeliveryError } from '../../src/model/delivery-error.ts';
import { TracerSpanProcessor } from '../../src/service/tracer-span-processor.ts';
import { turns } from '../support/random-chain.ts';
import { inShort, recordingTracer } from '../support/recording-tracer.ts';
import { startSdk, type TestSdk } from '../support/sdk.ts';

const lines: string[] = [];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  lines.length = 0;
  const note = (...parts: unknown[]) => void lines.push(parts.join(' '));
  diag.setLogger({ error: note, warn: note, info: () => {}, debug: () => {}, verbose: () => {} });
});

let sdk: TestSdk | undefined;
afterEach(async () => {
  vi.useRealTimers();
  await sdk?.shutdown();
  sdk = undefined;
  diag.disable();
});

/** A tracer that is down until it is up; beside it one that is well. */
function start(delivery: DeliverySettings, failure: () => unknown = () => new Error('on purpose')) {
  let up = false;
  const flaky = recordingTracer(() => {
    if (!up) throw failure();
    return true;
  });
  const healthy = recordingTracer();
  const bridge = new TracerSpanProcessor({
    tracers: [
      { name: 'flaky', module: flaky.tracer, delivery },
      { name: 'healthy', module: healthy.tracer },
    ],
    drainTimeout: 50,
  });
  sdk = startSdk([bridge]);
  return {
    bridge,
    calls: flaky.calls,
    healthy: healthy.calls,
    stats: () => bridge.stats().tracers.flaky,
    comeUp: () => {
      up = true;
    },
  };
}

const delivery: DeliverySettings = {
  retry: { initialInterval: 10, maxInterval: 400, maxElapsedTime: 0 },
  circuitBreaker: { failures: 5, pause: 100 },
};

async function chains(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await traceChain({ name: 'main', links: [] }, `V${i}`, () => {});
  await turns(3);
}

async function later(milliseconds: number): Promise<void> {
  vi.advanceTimersByTime(milliseconds);
  await turns(3);
}

describe('a tracer that is down', () => {
  test('is left alone after so many failures in a row, then tried with one event at a time', async () => {
    const { calls, healthy, stats } = start(delivery);
    await chains(30);
    expect(calls.length).toBe(5);
    expect(stats()).toMatchObject({ circuit: 'open', retried: 5, pending: 60 });
    expect(healthy.length).toBe(90);
    await later(99);
    expect(calls.length).toBe(5);
    await later(1);
    expect([calls.length, stats()?.circuit]).toEqual([6, 'open']);
    await later(199);
    expect(calls.length).toBe(6);
    await later(1);
    expect(calls.length).toBe(7);
  });

  test('is not called by a run whose call was under way when it was left alone', async () => {
    const gate = Promise.withResolvers<void>();
    const { calls, tracer } = recordingTracer((call) => {
      if (call.context.inVconUuid === 'V0') return gate.promise;
      throw new Error('on purpose');
    });
    const bridge = new TracerSpanProcessor({
      tracers: [{ name: 'flaky', module: tracer, delivery }],
      drainTimeout: 50,
    });
    sdk = startSdk([bridge]);
    await chains(10);
    expect(bridge.stats().tracers.flaky?.circuit).toBe('open');
    gate.resolve();
    await turns(3);
    expect(bridge.stats().tracers.flaky?.ok).toBe(1);
    expect(calls.map(inShort)).not.toContain('chain_complete V0');
  });

  test('hears everything in order when it is back', async () => {
    const { bridge, calls, stats, comeUp } = start(delivery);
    await chains(30);
    await later(100);
    comeUp();
    await later(200);
    await later(400);
    expect(stats()).toMatchObject({
      circuit: 'closed',
      ok: 60,
      pending: 0,
      dead: 0,
      retrying: 0,
      oldestAge: 0,
    });
    const answered = calls.slice(6);
    for (let i = 0; i < 30; i += 1) {
      const uuid = `V${i}`;
      expect(answered.map(inShort).filter((call) => call.endsWith(uuid))).toEqual([
        `chain_start ${uuid}`,
        `chain_complete ${uuid}`,
        `run 0 ${uuid}→${uuid}`,
      ]);
    }
    await bridge.forceFlush();
  });

  test('is said to be so once, and once that it is back, without the words of what it threw', async () => {
    const { comeUp } = start(delivery, () => new Error('canary'));
    await chains(30);
    comeUp();
    await later(100);
    expect(lines.filter((line) => line.includes('left alone'))).toEqual([
      'vcon-otel/bridge tracer flaky does not answer: it is left alone for a while',
    ]);
    expect(lines.filter((line) => line.includes('answers again'))).toEqual([
      'vcon-otel/bridge tracer flaky answers again',
    ]);
    expect(lines.join()).not.toContain('canary');
  });

  test('does not hold up a flush while it is left alone', async () => {
    const { bridge, stats } = start(delivery);
    await chains(30);
    await bridge.forceFlush();
    expect(stats()).toMatchObject({ circuit: 'open', pending: 60 });
  });

  test('is waited for by a flush as long as it is tried again', async () => {
    const { bridge, stats, comeUp } = start({ ...delivery, circuitBreaker: { failures: 1_000 } });
    await chains(3);
    let flushed = false;
    const flush = bridge.forceFlush().then(() => {
      flushed = true;
    });
    await turns(3);
    expect([flushed, stats()?.retrying]).toEqual([false, 3]);
    comeUp();
    await later(10);
    await flush;
    expect(stats()?.ok).toBe(6);
  });

  test('is not called while it asks to be left alone', async () => {
    const { calls, comeUp } = start(delivery, () => new DeliveryError('busy', { retryAfter: 60 }));
    await chains(30);
    comeUp();
    await later(59_999);
    expect(calls.length).toBe(5);
    await later(1);
    expect(calls.length).toBeGreaterThan(5);
  });

  test('is not taken to be down for what it refuses for good', async () => {
    const { stats } = start(delivery, () => new DeliveryError('malformed', { permanent: true }));
    await chains(30);
    expect(stats()).toMatchObject({ circuit: 'closed', dead: 60, pending: 0 });
  });
});
