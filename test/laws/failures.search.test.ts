import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TracerSpanProcessor } from '../../src/service/tracer-span-processor.ts';
import { happen, randomChain, turns } from '../support/random-chain.ts';
import { type Call, perRun, recordingTracer } from '../support/recording-tracer.ts';
import { startSdk } from '../support/sdk.ts';
import { runs } from '../support/search.ts';

/** What a call comes to: half of them go wrong, each in its way. */
const luck = fc.constantFrom('ok', 'ok', 'late', 'late', 'throws', 'rejects', 'fails late', 'hangs');

test('law 3 and 5: a tracer that fails half of its calls hears every event in run order, and another one is unaffected', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(randomChain, { minLength: 1, maxLength: 8 }),
      fc.infiniteStream(luck),
      fc.constantFrom(1, 3, 256),
      fc.constantFrom(3, 1_000),
      async (chains, fates, concurrency, failures) => {
        const answered: Call[] = [];
        const flaky = recordingTracer((call) => {
          const fate = fates.next().value ?? 'ok';
          if (fate === 'throws') throw new Error('on purpose');
          if (fate === 'rejects') return Promise.reject(new Error('on purpose'));
          if (fate === 'hangs') return new Promise(() => {});
          if (fate === 'fails late') return turns(2).then(() => Promise.reject(new Error('on purpose')));
          answered.push(call);
          return fate === 'late' ? turns(2) : true;
        });
        const healthy = recordingTracer();
        const bridge = new TracerSpanProcessor({
          tracers: [
            {
              name: 'flaky',
              module: flaky.tracer,
              delivery: {
                concurrency,
                timeout: 5,
                retry: { initialInterval: 1, maxInterval: 2, maxElapsedTime: 0 },
                circuitBreaker: { failures, pause: 1 },
              },
            },
            { name: 'healthy', module: healthy.tracer },
          ],
          drainTimeout: 20_000,
        });
        const sdk = startSdk([bridge]);
        await Promise.all(chains.map(happen));
        await sdk.shutdown();
        const { events, tracers } = bridge.stats();
        expect(tracers.flaky).toMatchObject({ ok: events, dead: 0, dropped: 0, pending: 0 });
        expect(tracers.healthy).toMatchObject({ ok: events, retried: 0, dropped: 0 });
        // A call that is made again comes right after itself, and whatever came last was answered.
        const heard = stories(healthy.calls);
        expect(stories(flaky.calls)).toEqual(heard);
        expect(stories(answered)).toEqual(heard);
      },
    ),
    { numRuns: runs(40) },
  );
});

/** The calls of each run, without those that repeat the one before; sorted, since the order of the runs is luck. */
function stories(calls: readonly Call[]): string[] {
  return perRun(calls)
    .map((run) => run.filter((call, index) => call !== run[index - 1]).join(', '))
    .toSorted();
}
