import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineTracer, type EventContext, type TracerModule } from '../../src/index.ts';
import { type TracerTestSettings, type Trial, testTracer } from '../../src/testing/index.ts';

/** A tracer that keeps event ids, and what one that is wrong does instead. */
interface Kept extends Trial {
  readonly kept: string[];
  isAway: boolean;
  readonly options: { readonly kept: unknown; readonly api_key: string };
}

type Act = (event: EventContext, kept: string[], options: { readonly api_key: string }) => unknown;
const keep: Act = ({ eventId }, kept) => {
  if (!kept.includes(eventId)) kept.push(eventId);
};

const trials: Kept[] = [];
const isAway = () => trials.at(-1)?.isAway === true;
const settings: TracerTestSettings<Kept> = {
  prepare: () => {
    const kept: string[] = [];
    const trial: Kept = { kept, isAway: false, options: { kept, api_key: 'a secret key' } };
    trials.push(trial);
    return trial;
  },
  heard: ({ kept }) => kept,
  once: true,
  outage: {
    begin: (trial) => {
      trial.isAway = true;
    },
    end: (trial) => {
      trial.isAway = false;
    },
  },
  timeout: 300,
};

function keeping(act: Act, more: Record<string, unknown> = {}): TracerModule {
  return defineTracer({
    options: z.strictObject({ kept: z.array(z.string()), api_key: z.string() }),
    create: ({ kept, api_key }) => ({
      trace: (_uuid, _event, _opts, event) => {
        if (isAway()) throw new Error('away');
        // What zod gives is a copy.
        return act(event, trials.at(-1)?.kept ?? kept, { api_key });
      },
      ...more,
    }),
  });
}

/** The names of the checks that a tracer does not pass. */
async function failing(module: TracerModule): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of testTracer(module, settings))
    await run().catch(() => {
      failed.push(name);
    });
  return failed;
}

describe('testTracer', () => {
  test('passes a tracer that does what a tracer has to', async () => {
    for (const { run } of testTracer(keeping(keep), settings)) await run();
  });

  test('passes the shortest tracer there is, and one that is a span processor', async () => {
    const shortest = testTracer({ trace: () => undefined });
    expect(shortest.map(({ name }) => name)).toEqual([
      'its options are those that it declares',
      'it answers all nine events',
      'it answers many random chains at the same time',
      'it hears everything beside tracers that throw, reject, hang and refuse',
      'a call that is made again is answered',
      'events that come together are answered as those that come alone',
      'forceFlush and shutdown are safe twice, and before the first event',
      'nothing of a document or a secret is in what it logs and throws',
    ]);
    const processor = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };
    for (const { run } of [...shortest, ...testTracer({ create: () => processor })]) await run();
  });

  const { log } = console;
  let calls = 0;
  test.each<[string, TracerModule, string]>([
    [
      'loses an event',
      keeping((event, kept) => event.stage !== 'storage' && keep(event, kept, { api_key: '' })),
      'it answers all nine events',
    ],
    [
      'invents one',
      keeping((event, kept) => {
        keep(event, kept, { api_key: '' });
        if (kept.length === 5) kept.push('x');
      }),
      'it answers many random chains at the same time',
    ],
    [
      'writes repeats twice',
      keeping(({ eventId }, kept) => void kept.push(eventId)),
      'a call that is made again is answered',
    ],
    [
      'turns the order round',
      keeping((event, kept) => void kept.unshift(event.eventId)),
      'it answers all nine events',
    ],
    [
      'fails at one event',
      keeping((event, kept) => {
        if (event.phase === 'error') throw new Error('no');
        keep(event, kept, { api_key: '' });
      }),
      'it answers all nine events',
    ],
    [
      'fails when called again',
      keeping((event, kept) => {
        if (kept.includes(event.eventId)) throw new Error('again');
        kept.push(event.eventId);
      }),
      'a call that is made again is answered',
    ],
    [
      'loses what comes together',
      keeping(keep, { traceBatch: () => undefined }),
      'events that come together are answered as those that come alone',
    ],
    [
      'refuses what comes together',
      keeping(keep, { traceBatch: () => Promise.reject(new Error('no')) }),
      'events that come together are answered as those that come alone',
    ],
    ['hangs', keeping(() => new Promise(() => {})), 'it answers many random chains at the same time'],
    [
      'cannot be ended twice',
      keeping(keep, {
        shutdown: async () => {
          calls += 1;
          if (calls % 2 === 0) throw new Error('twice');
        },
      }),
      'forceFlush and shutdown are safe twice, and before the first event',
    ],
    [
      'cannot be flushed',
      keeping(keep, { forceFlush: () => new Promise(() => {}) }),
      'forceFlush and shutdown are safe twice, and before the first event',
    ],
    [
      'takes any option',
      defineTracer({ options: z.looseObject({}), create: () => ({ trace: () => {} }) }),
      'an option that it does not have is an error with its path',
    ],
    [
      'gives up for good what will pass',
      keeping((event, kept) => keep(event, kept, { api_key: '' }), {
        run: () => {
          if (isAway()) throw Object.assign(new Error('away'), { permanent: true });
        },
        trace: (_u: string, _e: string, _o: unknown, event: EventContext) => {
          if (isAway()) throw Object.assign(new Error('away'), { permanent: true });
          keep(event, trials.at(-1)?.kept ?? [], { api_key: '' });
        },
      }),
      'what it writes to fails: others hear everything meanwhile, and it does afterwards',
    ],
    [
      'quotes an option',
      defineTracer({
        options: z.strictObject({
          kept: z.array(z.string()),
          api_key: z.string().refine((key) => key === 'a secret key', { params: { expected: 'not kanari' } }),
        }),
        create: () => ({
          trace: (_u, _e, _o, event) => {
            if (isAway()) throw new Error('away');
            keep(event, trials.at(-1)?.kept ?? [], { api_key: '' });
          },
        }),
      }),
      'what is said of a wrong option quotes no value',
    ],
    [
      'throws a secret',
      keeping((event, kept, { api_key }) => {
        if (event.stage === 'storage') throw new Error(`no ${api_key}`);
        keep(event, kept, { api_key });
      }),
      'nothing of a document or a secret is in what it logs and throws',
    ],
    [
      'logs a document',
      defineTracer({
        options: z.strictObject({ kept: z.array(z.string()), api_key: z.string() }),
        create: (_options, { vcons }) => ({
          trace: async (uuid, _e, _o, event) => {
            if (isAway()) throw new Error('away');
            keep(event, trials.at(-1)?.kept ?? [], { api_key: '' });
            if (event.stage === 'chain') console.debug(await vcons.read(uuid));
          },
        }),
      }),
      'nothing of a document or a secret is in what it logs and throws',
    ],
  ])('finds a tracer that %s', async (_what, module, expected) => {
    const { debug } = console;
    console.debug = () => undefined;
    try {
      expect(await failing(module)).toContain(expected);
    } finally {
      console.debug = debug;
    }
  });

  test('leaves console as it was', () => {
    expect(console.log).toBe(log);
  });
});
