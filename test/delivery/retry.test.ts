import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DeliverySettings } from '../../src/delivery/delivery-policy.ts';
import { traceChain } from '../../src/instrumentation/trace-chain.ts';
import type { Delivery } from '../../src/journal/consumer.ts';
import { DeliveryError } from '../../src/model/delivery-error.ts';
import type { ConserverTracer } from '../../src/model/tracer.ts';
import { TracerSpanProcessor } from '../../src/service/tracer-span-processor.ts';
import { keptJournal } from '../support/kept-journal.ts';
import { turns } from '../support/random-chain.ts';
import { type Call, inShort, recordingTracer } from '../support/recording-tracer.ts';
import { startSdk, type TestSdk } from '../support/sdk.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: 1_000_000 });
});

let sdk: TestSdk | undefined;
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await sdk?.shutdown();
  sdk = undefined;
});

const fail = (): never => {
  throw new TypeError('on purpose');
};

/** A bridge with one tracer, whose waits are as long as they can be. */
function start(
  answer: (call: Call, made: number) => unknown,
  delivery: DeliverySettings = {},
  earlier?: Delivery,
) {
  vi.spyOn(Math, 'random').mockReturnValue(1 - Number.EPSILON);
  const counts = new Map<string, number>();
  const { calls, tracer } = recordingTracer((call) => {
    const made = (counts.get(inShort(call)) ?? 0) + 1;
    counts.set(inShort(call), made);
    return answer(call, made);
  });
  const { journal, told, skip } = keptJournal(earlier);
  const bridge = new TracerSpanProcessor({ tracers: [{ name: 'a', module: tracer, delivery }], journal });
  sdk = startSdk([bridge]);
  return {
    bridge,
    calls,
    told,
    skip,
    heard: () => calls.map(inShort),
    stats: () => bridge.stats().tracers.a,
  };
}

const pass = async (uuid = 'V', links: string[] = []) => {
  await traceChain({ name: 'main', links }, uuid, async (run) => {
    for (const name of links) await run.link(name, (entered) => entered);
  });
  await turns(3);
};

async function later(milliseconds: number): Promise<void> {
  vi.advanceTimersByTime(milliseconds);
  await turns(3);
}

describe('a call that failed', () => {
  test('is made again, alone: what succeeded is not, and what comes later waits', async () => {
    const { heard, stats, told } = start((call, made) =>
      inShort(call) === 'run -1 V→V' && made < 3 ? fail() : true,
    );
    await pass('V', ['l']);
    expect(heard()).toEqual(['chain_start V', 'run -1 V→V']);
    expect(stats()).toMatchObject({ retried: 1, ok: 0, retrying: 1, pending: 4 });
    await later(999);
    expect(heard().length).toBe(2);
    await later(1);
    expect(heard().slice(2)).toEqual(['run -1 V→V']);
    await later(1_999);
    expect(heard().length).toBe(3);
    await later(1);
    expect(heard().slice(3)).toEqual([
      'run -1 V→V',
      'link_start V l',
      'link_complete V l',
      'run 0 V→V',
      'chain_complete V',
      'run 1 V→V',
    ]);
    expect(stats()).toMatchObject({ trace: 4, run: 3, ok: 4, retried: 2, dead: 0, retrying: 0, pending: 0 });
    expect(told.slice(0, 3)).toEqual([
      {
        what: 'chain/start retried',
        delivery: { attempts: 1, since: 1_000_000, duration: 0, errorType: 'TypeError' },
      },
      {
        what: 'chain/start retried',
        delivery: { attempts: 2, since: 1_000_000, duration: 0, errorType: 'TypeError' },
      },
      {
        what: 'chain/start ok',
        delivery: { attempts: 3, since: 1_000_000, duration: 0, errorType: undefined },
      },
    ]);
  });

  test('is made again for as long as it was meant to be, although the clock is set forward by a day', async () => {
    const { heard, stats } = start((call, made) =>
      inShort(call) === 'chain_start V' && made < 3 ? fail() : true,
    );
    await pass('V');
    vi.setSystemTime(Date.now() + 86_400_000);
    await later(1_000);
    await later(2_000);
    expect(heard().filter((call) => call === 'chain_start V').length).toBe(3);
    expect(stats()).toMatchObject({ retried: 2, dead: 0, pending: 0 });
  });

  test('does not let run be called before trace', async () => {
    const { heard } = start((call, made) =>
      inShort(call) === 'chain_start V' && made === 1 ? fail() : true,
    );
    await pass('V', ['l']);
    expect(heard()).toEqual(['chain_start V']);
    await later(1_000);
    expect(heard().slice(0, 3)).toEqual(['chain_start V', 'chain_start V', 'run -1 V→V']);
  });

  test('holds back its own run only', async () => {
    const { heard } = start((call) => (call.call === 'trace' && call.vconUuid === 'V' ? fail() : true), {
      concurrency: 1,
    });
    // Two runs must not have one span id.
    vi.restoreAllMocks();
    await pass('V');
    await pass('W');
    expect(heard()).toEqual(['chain_start V', 'chain_start W', 'chain_complete W', 'run 0 W→W']);
  });

  test('by its time is made again', async () => {
    const { heard, told } = start(
      (call, made) => (inShort(call) === 'chain_start V' && made === 1 ? new Promise(() => {}) : true),
      {
        timeout: 50,
      },
    );
    await pass();
    await later(50);
    await later(1_000);
    expect(heard()).toEqual(['chain_start V', 'chain_start V', 'chain_complete V', 'run 0 V→V']);
    expect(told[0]).toEqual({
      what: 'chain/start retried',
      delivery: { attempts: 1, since: 1_000_000, duration: 0.05, errorType: 'TIMEOUT' },
    });
  });

  test('is made again no earlier than it asked', async () => {
    const { heard } = start((_call, made) => {
      if (made === 1) throw new DeliveryError('busy', { retryAfter: '30' });
    });
    await pass();
    await later(29_999);
    expect(heard()).toEqual(['chain_start V']);
    await later(1);
    expect(heard()).toEqual(['chain_start V', 'chain_start V', 'chain_complete V']);
  });

  test('for good is not made again: run is called all the same, and the event is dead', async () => {
    const { heard, stats, told } = start((call) => {
      if (inShort(call) === 'chain_start V') throw new DeliveryError('malformed', { permanent: true });
      return true;
    });
    await pass('V', ['l']);
    expect(heard().slice(0, 3)).toEqual(['chain_start V', 'run -1 V→V', 'link_start V l']);
    expect(stats()).toMatchObject({ dead: 1, ok: 3, retried: 0, pending: 0, deadLetters: 7 });
    expect(told[0]).toEqual({
      what: 'chain/start dead',
      delivery: { attempts: 1, since: 1_000_000, duration: 0, errorType: 'DeliveryError' },
    });
  });

  test('is given up after so many attempts, and the run goes on', async () => {
    const { heard, stats, told } = start((call) => (inShort(call) === 'chain_start V' ? fail() : true), {
      retry: { maxAttempts: 3 },
    });
    await pass();
    await later(1_000);
    await later(2_000);
    expect(heard()).toEqual([
      'chain_start V',
      'chain_start V',
      'chain_start V',
      'chain_complete V',
      'run 0 V→V',
    ]);
    expect(stats()).toMatchObject({ retried: 2, dead: 1, ok: 1, pending: 0 });
    expect(told.map(({ what, delivery }) => `${what} ${delivery?.attempts}`)).toEqual([
      'chain/start retried 1',
      'chain/start retried 2',
      'chain/start dead 3',
      'chain/complete ok 1',
    ]);
  });

  test('is given up when its time is up', async () => {
    const { stats } = start((call) => (inShort(call) === 'chain_start V' ? fail() : true), {
      retry: { maxElapsedTime: 2_500 },
    });
    await pass();
    await later(1_000);
    expect(stats()).toMatchObject({ retried: 1, dead: 1, ok: 1, pending: 0 });
  });

  test('is counted from where the process before stopped', async () => {
    const earlier = { attempts: 8, since: 400_000, duration: 0, errorType: 'TypeError' };
    const { told } = start(fail, { retry: { maxAttempts: 10, maxElapsedTime: 700_000 } }, earlier);
    await pass();
    expect(told[0]?.delivery).toMatchObject({ attempts: 9, since: 400_000 });
    await later(60_000);
    expect(told[1]).toMatchObject({ what: 'chain/start dead', delivery: { attempts: 10, since: 400_000 } });
  });
});

describe('a tracer that answers false', () => {
  test('has failed, and is not asked again', async () => {
    const { heard, stats, told } = start((call) => call.call === 'trace');
    await pass();
    await later(60_000);
    expect(heard()).toEqual(['chain_start V', 'chain_complete V', 'run 0 V→V']);
    expect(stats()).toMatchObject({ ok: 1, retried: 0, dead: 1, circuit: 'closed' });
    expect(told[1]).toMatchObject({
      what: 'chain/complete failed',
      delivery: { errorType: 'returned_false' },
    });
  });

  test('is asked again if it is to be', async () => {
    const { heard, stats, told } = start((call, made) => call.call === 'trace' || made === 3, {
      retryFalse: true,
    });
    await pass();
    await later(1_000);
    await later(2_000);
    expect(heard().slice(2)).toEqual(['run 0 V→V', 'run 0 V→V', 'run 0 V→V']);
    expect(stats()).toMatchObject({ ok: 2, dead: 0, retried: 2 });
    expect(told[1]?.delivery?.errorType).toBe('returned_false');
  });

  test('leaves a dead letter where it was to be asked again and the attempts are over', async () => {
    const { stats } = start((call) => call.call === 'trace', { retryFalse: true, retry: { maxAttempts: 1 } });
    await pass();
    expect(stats()).toMatchObject({ ok: 1, dead: 1 });
  });
});

describe('an event that an operator skips', () => {
  test('is not tried again, and its run goes on', async () => {
    const { calls, heard, stats, told, skip } = start((call) =>
      inShort(call) === 'chain_start V' ? fail() : true,
    );
    await pass();
    if (calls[0]) skip('a', { ...calls[0].context });
    await turns(3);
    expect(heard()).toEqual(['chain_start V', 'chain_complete V', 'run 0 V→V']);
    expect(stats()).toMatchObject({ skipped: 1, ok: 1, retrying: 0 });
    expect(told.map(({ what }) => what)).toEqual(['chain/start retried', 'chain/complete ok']);
    await later(60_000);
    expect(heard().length).toBe(3);
  });

  test('while its call is under way has its answer ignored, and its further calls are not made', async () => {
    let release = (_answer: unknown): void => {};
    const { calls, heard, stats, told, skip } = start((call) =>
      inShort(call) === 'chain_start V' ? new Promise((resolve) => (release = resolve)) : true,
    );
    await pass('V', ['l']);
    if (calls[0]) skip('a', calls[0].context);
    release(true);
    await turns(3);
    expect(heard().slice(0, 2)).toEqual(['chain_start V', 'link_start V l']);
    expect(stats()).toMatchObject({ skipped: 1, ok: 3 });
    expect(told.map(({ what }) => what)).not.toContain('chain/start ok');
  });

  test('before its turn leaves the others in order; one that was not read yet disturbs nobody', async () => {
    const { calls, heard, stats, skip } = start((call, made) =>
      inShort(call) === 'chain_start V' && made === 1 ? fail() : true,
    );
    await pass('V', ['l']);
    const { context } = calls[0] ?? {};
    if (!context) throw new Error('nothing was heard');
    skip('a', { ...context, eventId: `${context.runId}/link/0/start` });
    skip('a', { ...context, eventId: 'other/chain/start', runId: 'other' });
    await later(1_000);
    expect(heard()).toEqual([
      'chain_start V',
      'chain_start V',
      'run -1 V→V',
      'link_complete V l',
      'run 0 V→V',
      'chain_complete V',
      'run 1 V→V',
    ]);
    expect(stats()?.skipped).toBe(2);
  });
});

test('what was answered well is told call by call, and who is told cannot disturb it', async () => {
  const told: string[] = [];
  const tracer: ConserverTracer = { trace: () => {}, run: (_in, _out, _name, _links, index) => index !== 1 };
  const bridge = new TracerSpanProcessor({
    tracers: [{ name: 'a', module: tracer }],
    completed: (name, call, event, seconds) => {
      told.push(`${name} ${call} ${event.eventId.slice(event.runId.length)} ${seconds}`);
      throw new Error('on purpose');
    },
  });
  sdk = startSdk([bridge]);
  await pass('V', ['l']);
  expect(told).toEqual([
    'a trace /chain/start 0',
    'a run /chain/start 0',
    'a trace /link/0/start 0',
    'a trace /link/0/complete 0',
    'a run /link/0/complete 0',
    'a trace /chain/complete 0',
  ]);
  expect(bridge.stats()).toMatchObject({
    tracers: { a: { ok: 3, dead: 1 } },
    issues: { internal_error: 6 },
  });
});
