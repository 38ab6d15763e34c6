import { SpanStatusCode } from '@opentelemetry/api';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { DeliverySettings } from '../../src/delivery/delivery-policy.ts';
import { traceChain } from '../../src/instrumentation/trace-chain.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import type { ConserverTracer } from '../../src/model/tracer.ts';
import { TracerSpanProcessor } from '../../src/service/tracer-span-processor.ts';
import { happen, prescribed, type RandomChain, randomChain, turns } from '../support/random-chain.ts';
import { type Call, inShort, perRun, recordingTracer } from '../support/recording-tracer.ts';
import { startSdk, type TestSdk } from '../support/sdk.ts';

let sdk: TestSdk | undefined;
afterEach(async () => {
  await sdk?.shutdown();
  sdk = undefined;
});

async function callsOf(
  chains: readonly RandomChain[],
  tracers: Record<string, ConserverTracer>,
  delivery: DeliverySettings = {},
) {
  const bridge = new TracerSpanProcessor({
    tracers: Object.entries(tracers).map(([name, module]) => ({ name, module, delivery })),
    drainTimeout: 20_000,
  });
  const running = startSdk([bridge]);
  try {
    await Promise.all(chains.map(happen));
    await bridge.forceFlush();
    const spans = running.spans().map((span) => span);
    return { bridge, spans };
  } finally {
    await running.shutdown();
  }
}

function expectPrescribed(calls: readonly string[], chain: RandomChain): void {
  const { calls: expected, storages } = prescribed(chain);
  expect(calls.filter((call) => !storages.has(call))).toEqual(expected);
  expect(new Set(calls.filter((call) => storages.has(call)))).toEqual(storages);
  for (const name of chain.storages.map((_, index) => `s${index}`)) {
    const own = calls.filter((call) => call.endsWith(` ${name}`));
    expect(own.map((call) => call.split('_')[1]?.split(' ')[0] === 'start')).toEqual(
      own.length === 0 ? [] : [true, false],
    );
  }
}

/** One line per run, so that lists of runs can be compared whatever the order of the runs. */
function asStory(chains: readonly RandomChain[]): string[] {
  return chains
    .map((chain) => {
      const { calls, storages } = prescribed(chain);
      return [...calls, ...[...storages].sort()].join(', ');
    })
    .sort();
}

function heardStory(calls: readonly Call[]): string[] {
  return perRun(calls)
    .map((run) => {
      const isStorage = (call: string) => call.startsWith('storage_');
      return [...run.filter((call) => !isStorage(call)), ...run.filter(isStorage).sort()].join(', ');
    })
    .sort();
}

describe('law 1, round trip', () => {
  test('whatever happens in a chain, the tracer hears just what happened, in its order', async () => {
    await fc.assert(
      fc.asyncProperty(randomChain, async (chain) => {
        const { calls, tracer } = recordingTracer();
        await callsOf([chain], { tracer });
        expectPrescribed(calls.map(inShort), chain);
      }),
      { numRuns: 60 },
    );
  });

  test('all nine events carry their names, outcomes, durations and error types', async () => {
    const { calls, tracer } = recordingTracer();
    const act = (kind: 'same' | 'throw') => ({ act: kind, turns: 0 });
    const good = {
      name: 'good',
      uuid: 'V',
      links: [act('same')],
      storages: [true, false].map((fails) => ({ fails, turns: 0 })),
    };
    const bad = { name: 'bad', uuid: 'W', links: [act('throw')], storages: [] };
    await callsOf([good, bad], { tracer });
    const traces = calls.filter((call) => call.call === 'trace');
    expect(new Set(traces.map((call) => call.event))).toEqual(
      new Set(
        ['chain', 'link', 'storage'].flatMap((stage) =>
          ['start', 'complete', 'error'].map((phase) => `${stage}_${phase}`),
        ),
      ),
    );
    for (const { event, context } of traces) {
      expect(context.duration === undefined).toBe(event.endsWith('_start'));
      expect(context.errorType !== undefined).toBe(event.endsWith('_error'));
      expect(context.inferred).toEqual([]);
    }
    expect(traces.find((call) => call.event === 'link_error')?.context).toMatchObject({
      chain: 'bad',
      link: 'l0',
      linkIndex: 0,
      outcome: 'error',
      errorType: 'RangeError',
    });
  });
});

describe('law 3, order', () => {
  test("the calls of a run are in order whatever each call's latency, and runs do not mix", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(randomChain, { minLength: 1, maxLength: 8 }),
        fc.infiniteStream(fc.nat(4)),
        fc.constantFrom(1, 2, 256),
        async (chains, latency, concurrency) => {
          const { calls, tracer } = recordingTracer(() => {
            const wait = latency.next().value ?? 0;
            return wait === 0 ? true : turns(wait);
          });
          await callsOf(chains, { tracer }, { concurrency });
          expect(heardStory(calls)).toEqual(asStory(chains));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a run waits for its own slow call, another run does not', async () => {
    let release = () => {};
    const { calls, tracer } = recordingTracer((call) =>
      call.call === 'trace' && call.vconUuid === 'slow' && call.event === 'chain_start'
        ? new Promise<void>((resolve) => {
            release = resolve;
          })
        : true,
    );
    const bridge = new TracerSpanProcessor({ tracers: [{ name: 'tracer', module: tracer }] });
    sdk = startSdk([bridge]);
    await happen({ name: 'intake', uuid: 'slow', links: [{ act: 'same', turns: 0 }], storages: [] });
    await happen({ name: 'intake', uuid: 'quick', links: [{ act: 'same', turns: 0 }], storages: [] });
    await turns(3);
    expect(calls.map(inShort)).toContain('chain_complete quick');
    expect(calls.map(inShort).filter((call) => call.includes('slow'))).toEqual(['chain_start slow']);
    release();
    await bridge.forceFlush();
    expect(calls.map(inShort)).toContain('chain_complete slow');
  });
});

describe('law 4, isolation', () => {
  const misbehaviour = fc.constantFrom<[string, () => unknown]>(
    [
      'throws',
      () => {
        throw new Error('on purpose');
      },
    ],
    [
      'throws null',
      () => {
        throw null;
      },
    ],
    ['rejects', () => Promise.reject(new Error('on purpose'))],
    ['hangs', () => new Promise(() => {})],
    ['returns false', () => false],
    ['answers late', () => turns(5)],
    [
      'answers with a broken promise',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: what a broken library returns
        then: () => {
          throw new Error('on purpose');
        },
      }),
    ],
  );

  test('a tracer that misbehaves changes nothing for the chain or for another tracer', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(randomChain, { minLength: 1, maxLength: 5 }),
        misbehaviour,
        fc.boolean(),
        async (chains, [, misbehave], first) => {
          const healthy = recordingTracer();
          const alone = await callsOf(chains, {});
          const bad: ConserverTracer = { trace: misbehave, run: misbehave };
          const both = first ? { bad, healthy: healthy.tracer } : { healthy: healthy.tracer, bad };
          const { bridge, spans } = await callsOf(chains, both, {
            timeout: 5,
            retry: { initialInterval: 1, maxInterval: 2, maxAttempts: 2 },
            circuitBreaker: { failures: 10, pause: 1 },
          });
          expect(heardStory(healthy.calls)).toEqual(asStory(chains));
          expect(spans.length).toBe(alone.spans.length);
          expect(spans.filter((span) => span.status.code === SpanStatusCode.ERROR).length).toBe(
            alone.spans.filter((span) => span.status.code === SpanStatusCode.ERROR).length,
          );
          const { bad: counted } = bridge.stats().tracers;
          const { ok = 0, dead = 0, dropped = 0 } = counted ?? {};
          expect(ok + dead + dropped).toBe(bridge.stats().events);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('a tracer whose shutdown never resolves does not hold up the others or the SDK', async () => {
    const ended: string[] = [];
    const bridge = new TracerSpanProcessor({
      tracers: [
        { name: 'hangs', module: { trace: () => {}, shutdown: () => new Promise(() => {}) } },
        {
          name: 'throws',
          module: {
            trace: () => {},
            shutdown: () => {
              throw new Error('on purpose');
            },
          },
        },
        {
          name: 'ends',
          module: {
            trace: () => {},
            shutdown: async () => {
              ended.push('ends');
            },
          },
        },
      ],
      drainTimeout: 20,
    });
    sdk = startSdk([bridge]);
    await happen({ name: 'intake', uuid: 'V', links: [], storages: [] });
    await sdk.shutdown();
    expect(ended).toEqual(['ends']);
  });

  test('a span processor made by a tracer may throw everywhere', async () => {
    const fail = () => {
      throw new Error('on purpose');
    };
    const healthy = recordingTracer();
    const bridge = new TracerSpanProcessor({
      tracers: [
        {
          name: 'spans',
          module: {
            create: () => ({ onStart: fail, onEnding: fail, onEnd: fail, forceFlush: fail, shutdown: fail }),
          },
        },
        { name: 'healthy', module: healthy.tracer },
      ],
    });
    sdk = startSdk([bridge]);
    await happen({ name: 'intake', uuid: 'V', links: [], storages: [] });
    await bridge.forceFlush();
    await sdk.shutdown();
    expect(healthy.calls.map(inShort)).toEqual(['chain_start V', 'chain_complete V', 'run 0 V→V']);
    expect(bridge.stats().issues.processor_error).toBeGreaterThan(0);
  });
});

describe('law 5, completeness', () => {
  test('tracers hear every run although no span is sampled', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(randomChain, { minLength: 1, maxLength: 5 }), async (chains) => {
        const { calls, tracer } = recordingTracer();
        const bridge = new TracerSpanProcessor({ tracers: [{ name: 'tracer', module: tracer }] });
        const running = startSdk([bridge], new AlwaysOffSampler());
        await Promise.all(chains.map(happen));
        await bridge.forceFlush();
        const exported = running.spans().length;
        await running.shutdown();
        expect(exported).toBe(0);
        expect(heardStory(calls)).toEqual(asStory(chains));
      }),
      { numRuns: 20 },
    );
  });

  test('every accepted event was delivered, has failed, is pending or is counted as dead or dropped', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const bridge = new TracerSpanProcessor({
      tracers: [
        { name: 'stuck', module: { trace: () => gate } },
        {
          name: 'picky',
          module: {
            trace: (_uuid, event) => {
              if (event === 'link_start') throw new Error('on purpose');
            },
          },
          delivery: { retry: { maxAttempts: 1 } },
        },
      ],
      journal: memoryJournal({ capacity: 50 }),
    });
    sdk = startSdk([bridge]);
    const links = Array.from({ length: 6 }, () => ({ act: 'same' as const, turns: 0 }));
    for (let i = 0; i < 800; i += 1) {
      await happen({ name: 'intake', uuid: 'V', links, storages: [] });
      await turns(1);
    }
    await turns(3);
    const { events, tracers } = bridge.stats();
    expect(events).toBe(800 * 14);
    const sum = (name: string) => {
      const { ok = 0, dead = 0, dropped = 0, pending = 0 } = tracers[name] ?? {};
      return ok + dead + dropped + pending;
    };
    expect(sum('stuck')).toBe(events);
    expect(sum('picky')).toBe(events);
    expect(tracers.stuck?.dropped).toBeGreaterThan(0);
    expect(tracers.picky).toMatchObject({ dead: 800 * 6, dropped: 0 });
    release();
    await bridge.shutdown();
    const after = bridge.stats().tracers.stuck;
    expect((after?.ok ?? 0) + (after?.dropped ?? 0)).toBe(events);
  });
});

describe('law 6, bounded', () => {
  test('beyond the limit of open runs the oldest is given up and counted', async () => {
    const { calls, tracer } = recordingTracer();
    const bridge = new TracerSpanProcessor({ tracers: [{ name: 'tracer', module: tracer }], maxOpenRuns: 3 });
    sdk = startSdk([bridge]);
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const open = ['1', '2', '3', '4', '5'].map((uuid) =>
      traceChain({ name: 'c', links: [] }, uuid, () => gate),
    );
    expect(bridge.stats()).toMatchObject({ openRuns: 3, issues: { evicted_run: 2 } });
    release();
    await Promise.all(open);
    await bridge.forceFlush();
    expect(bridge.stats().openRuns).toBe(0);
    expect(calls.map(inShort).filter((call) => call.startsWith('chain_complete'))).toEqual([
      'chain_complete 3',
      'chain_complete 4',
      'chain_complete 5',
    ]);
  });
});
