import { afterEach, describe, expect, test, vi } from 'vitest';
import type { DeliverySettings } from '../../src/delivery/delivery-policy.ts';
import { traceChain } from '../../src/instrumentation/trace-chain.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { TracerSpanProcessor } from '../../src/service/tracer-span-processor.ts';
import { keptJournal } from '../support/kept-journal.ts';
import { turns } from '../support/random-chain.ts';
import { type Call, inShort, recordingTracer } from '../support/recording-tracer.ts';
import { startSdk, type TestSdk } from '../support/sdk.ts';

let sdk: TestSdk | undefined;
afterEach(async () => {
  vi.useRealTimers();
  await sdk?.shutdown();
  sdk = undefined;
});

/** With a deadline that is longer than a test may take, unless it is given: a shutdown that waits for it fails the test. */
function start(
  journal: Journal,
  answer: (call: Call) => unknown,
  { drainTimeout = 60_000, ...delivery }: DeliverySettings & { drainTimeout?: number } = {},
) {
  const { calls, tracer } = recordingTracer(answer);
  const bridge = new TracerSpanProcessor({
    tracers: [{ name: 'a', module: tracer, delivery }],
    journal,
    drainTimeout,
  });
  sdk = startSdk([bridge]);
  return { bridge, heard: () => calls.map(inShort), stats: () => bridge.stats().tracers.a };
}

const chain = (uuid: string) => traceChain({ name: 'main', links: [] }, uuid, () => {});
const failFor = (uuid: string) => (call: Call) => {
  if (call.context.inVconUuid === uuid) throw new Error('on purpose');
  return true;
};
const LATER = { retry: { initialInterval: 2_000_000_000, maxInterval: 2_000_000_000, maxElapsedTime: 0 } };

describe('a shutdown with a journal that is kept', () => {
  test('does not wait for what is tried again later: it stays pending, and nothing is dropped', async () => {
    const { bridge, heard, stats } = start(keptJournal().journal, failFor('V'), LATER);
    await chain('V');
    await turns(2);
    await chain('W');
    await bridge.shutdown();
    expect(heard()).toEqual(['chain_start V', 'chain_start W', 'chain_complete W', 'run 0 W→W']);
    expect(stats()).toMatchObject({ ok: 2, pending: 2, dropped: 0, dead: 0, deadLetters: 7 });
  });

  test('does not wait for a tracer that is left alone', async () => {
    const { bridge, stats } = start(keptJournal().journal, failFor('V'), {
      ...LATER,
      circuitBreaker: { failures: 2 },
    });
    for (let i = 0; i < 20; i += 1) await chain('V');
    await turns(2);
    expect(stats()?.circuit).toBe('open');
    await bridge.shutdown();
    expect(stats()).toMatchObject({ ok: 0, retried: 2, pending: 40, dropped: 0 });
  });

  test('waits for calls under way, and for what can be delivered at once', async () => {
    const { bridge, heard, stats } = start(keptJournal().journal, () => turns(3), { concurrency: 1 });
    for (const uuid of ['V', 'W', 'X']) await chain(uuid);
    await bridge.shutdown();
    expect(heard().length).toBe(9);
    expect(stats()).toMatchObject({ ok: 6, pending: 0 });
  });

  test('makes no further attempt at what fails while it waits for another', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const [fail, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { bridge, heard, stats } = start(
      keptJournal().journal,
      ({ context }) => (context.inVconUuid === 'V' ? fail.promise : answer.promise),
      { retry: { initialInterval: 1, maxInterval: 1 } },
    );
    await chain('V');
    await chain('W');
    const ended = bridge.shutdown();
    await turns(2);
    fail.reject(new Error('on purpose'));
    await turns(2);
    vi.advanceTimersByTime(10);
    await turns(2);
    answer.resolve();
    await ended;
    expect(heard()).toEqual(['chain_start V', 'chain_start W', 'chain_complete W', 'run 0 W→W']);
    expect(stats()).toMatchObject({ ok: 2, retried: 1, pending: 2, dropped: 0 });
  });

  test('leaves a call that hangs at the deadline: the event stays pending, and what it answers is ignored', async () => {
    let release = (_answer: unknown): void => {};
    const { bridge, heard, stats } = start(
      keptJournal().journal,
      () =>
        new Promise((resolve) => {
          release = resolve;
        }),
      { drainTimeout: 10 },
    );
    await chain('V');
    await bridge.shutdown();
    release(true);
    await turns(3);
    expect(heard()).toEqual(['chain_start V']);
    expect(stats()).toMatchObject({ ok: 0, pending: 2, dropped: 0 });
  });
});

describe('a shutdown with a journal that forgets', () => {
  test('waits for what is tried again, as far as the deadline goes', async () => {
    let made = 0;
    const { bridge, stats } = start(
      memoryJournal(),
      () => {
        made += 1;
        if (made < 4) throw new Error('on purpose');
        return true;
      },
      { retry: { initialInterval: 1, maxInterval: 1 }, circuitBreaker: { failures: 2, pause: 1 } },
    );
    await chain('V');
    await bridge.shutdown();
    expect(stats()).toMatchObject({ ok: 2, retried: 3, pending: 0, dropped: 0 });
  });

  test('counts as dropped what has not been heard by then', async () => {
    const { bridge, stats } = start(memoryJournal(), failFor('V'), { ...LATER, drainTimeout: 10 });
    await chain('V');
    await bridge.shutdown();
    expect(stats()).toMatchObject({ ok: 0, retried: 1, pending: 0, dropped: 2 });
  });
});

test('a shutdown does not wait for a journal that does not close, nor for one that cannot', async () => {
  for (const close of [() => new Promise<void>(() => {}), () => Promise.reject(new Error('on purpose'))]) {
    const { bridge } = start(Object.assign(memoryJournal(), { close }), () => true, { drainTimeout: 10 });
    await bridge.shutdown();
    await sdk?.shutdown();
  }
});
