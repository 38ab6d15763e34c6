import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DeliverySettings } from '../../src/delivery/delivery-policy.ts';
import type { Dispatcher } from '../../src/delivery/dispatcher.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import type { ChainEvent } from '../../src/model/event.ts';
import type { ConserverTracer } from '../../src/model/tracer.ts';
import { event } from '../journal/contract.ts';
import { dispatcherTo } from '../support/dispatcher.ts';
import { eventually } from '../support/eventually.ts';

const QUICK: DeliverySettings = { retry: { initialInterval: 1, maxInterval: 2 } };

/** A tracer that takes batches, and what it was called for. */
function taking(
  traceBatch: (events: readonly ChainEvent[]) => unknown,
  trace: (event: ChainEvent) => unknown = () => undefined,
) {
  const together: string[][] = [];
  const alone: string[] = [];
  const tracer: ConserverTracer = {
    traceBatch: (events) => {
      together.push(events.map(({ eventId }) => eventId));
      return traceBatch(events);
    },
    trace: (_uuid, _event, _opts, context) => {
      alone.push(context.eventId);
      return trace(context);
    },
  };
  return { tracer, together, alone };
}

/** Resolves when nothing of what was accepted so far is to be heard any more. */
async function allHeard(dispatcher: Dispatcher): Promise<void> {
  await turn();
  await eventually('all is heard', () => dispatcher.workers.every(({ depth }) => depth === 0) || undefined);
}

/** Hears some events, in this order. */
async function hear(
  module: ConserverTracer,
  eventIds: readonly string[],
  delivery: DeliverySettings = QUICK,
) {
  const dispatcher = dispatcherTo([{ name: 'a', module, delivery }], memoryJournal());
  for (const id of eventIds) dispatcher.accept(event(id));
  await allHeard(dispatcher);
  const stats = { ...dispatcher.workers[0]?.stats };
  await dispatcher.shutdown(1_000);
  return stats;
}

test('events of different runs that are ready at the same time come together, one of each run', async () => {
  const { tracer, together, alone } = taking(async () => undefined);
  const events = ['x/1', 'y/1', 'x/2', 'z/1', 'y/2', 'x/3'];
  expect(await hear(tracer, events)).toMatchObject({ ok: 6, trace: 6, retried: 0 });
  expect(together).toEqual([
    ['x/1', 'y/1', 'z/1'],
    ['x/2', 'y/2'],
  ]);
  expect(alone).toEqual(['x/3']);
});

test('a batch is no larger than the number of runs that may be under way', async () => {
  const { tracer, together } = taking(async () => undefined);
  await hear(
    tracer,
    ['v', 'w', 'x', 'y'].map((run) => `${run}/1`),
    { ...QUICK, concurrency: 2 },
  );
  expect(together).toEqual([
    ['v/1', 'w/1'],
    ['x/1', 'y/1'],
  ]);
});

test('an event that fails comes again alone, and holds back nothing but its run', async () => {
  const { tracer, together, alone } = taking((events) =>
    Promise.allSettled(events.map(async ({ eventId }) => eventId === 'x/1' && Promise.reject(new Error()))),
  );
  expect(await hear(tracer, ['x/1', 'y/1', 'z/1', 'x/2', 'y/2', 'z/2'])).toMatchObject({ ok: 6, retried: 1 });
  expect(together).toEqual([
    ['x/1', 'y/1', 'z/1'],
    ['y/2', 'z/2'],
  ]);
  expect(alone).toEqual(['x/1', 'x/2']);
});

test('an event that can never be heard is a dead letter, and no other is', async () => {
  const permanent = Object.assign(new Error(), { permanent: true });
  const refuse = ({ eventId }: ChainEvent) => {
    if (eventId === 'x/1') throw permanent;
  };
  const one = taking((events) => Promise.allSettled(events.map(async (each) => refuse(each))));
  expect(await hear(one.tracer, ['x/1', 'y/1', 'z/1'])).toMatchObject({ ok: 2, dead: 1, retried: 0 });
  const whole = taking((events) => events.forEach(refuse), refuse);
  expect(await hear(whole.tracer, ['x/1', 'y/1', 'z/1'])).toMatchObject({ ok: 2, dead: 1, retried: 3 });
  expect(whole.alone.toSorted()).toEqual(['x/1', 'y/1', 'z/1']);
  const never = taking((events) => events.forEach(refuse), refuse);
  const stats = await hear(never.tracer, ['x/1', 'y/1', 'z/1'], { retry: { maxAttempts: 1 } });
  expect(stats).toMatchObject({ ok: 2, dead: 1, retried: 3 });
});

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error();
    },
  ],
  ['rejects', () => Promise.reject(new Error())],
  ['hangs', () => new Promise(() => undefined)],
  ['answers for other events', async () => []],
])('the events of a batch that %s come again, each alone', async (_what, answer) => {
  const { tracer, together, alone } = taking(answer);
  const stats = await hear(tracer, ['x/1', 'y/1'], { ...QUICK, timeout: 5 });
  expect(stats).toMatchObject({ ok: 2, retried: 2 });
  expect([together, alone.toSorted()]).toEqual([[['x/1', 'y/1']], ['x/1', 'y/1']]);
});

test('a batch that answers at once, and with whatever, has answered', async () => {
  for (const answer of [undefined, true, false, [undefined, { status: 'fulfilled' }]]) {
    const { tracer } = taking(() => answer);
    expect(await hear(tracer, ['x/1', 'y/1'])).toMatchObject({ ok: 2, retried: 0 });
  }
});

test('whoever waits for a run waits for its batch', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { tracer, together } = taking(() => promise);
  const options = { dlq_vcon_on_error: true };
  const dispatcher = dispatcherTo([{ name: 'a', module: tracer, options }], memoryJournal());
  for (const run of ['x', 'y']) dispatcher.accept(event(`${run}/1`));
  let isDelivered = false;
  const delivered = dispatcher.delivered('x').then(() => {
    isDelivered = true;
  });
  await eventually('the batch is under way', () => together[0]);
  expect(isDelivered).toBe(false);
  resolve();
  await delivered;
  await dispatcher.shutdown(1_000);
});

test('whatever fails in which batch, each run is heard in its order, `run` after `trace`, and each call answered once', async () => {
  const plan = fc.array(fc.record({ run: fc.nat(4), fails: fc.nat(5) }), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(plan, fc.nat(3), async (steps, whole) => {
      const ids = steps.map(({ run }, i) => `r${run}/${i}`);
      const failing = new Set(ids.filter((_, i) => steps[i]?.fails === 0));
      const heard: string[] = [];
      const answer = async ({ eventId }: ChainEvent) => {
        if (failing.delete(eventId)) throw new Error();
        heard.push(`trace ${eventId}`);
      };
      let calls = 0;
      const tracer: ConserverTracer = {
        trace: (_uuid, _event, _opts, context) => answer(context),
        traceBatch: (events) => {
          expect(new Set(events.map(({ runId }) => runId)).size).toBe(events.length);
          calls += 1;
          if (calls === whole) throw new Error();
          return Promise.allSettled(events.map(answer));
        },
        run: (_in, _out, _name, _links, _index, _opts, { eventId }) => {
          heard.push(`run ${eventId}`);
          return eventId.endsWith('1') ? Promise.resolve(true) : true;
        },
      };
      const dispatcher = dispatcherTo([{ name: 'a', module: tracer, delivery: QUICK }], memoryJournal());
      for (const id of ids) dispatcher.accept({ ...event(id), links: ['l'] });
      await allHeard(dispatcher);
      await dispatcher.shutdown(1_000);
      const of = (run: number, texts: readonly string[]) => texts.filter((text) => text.includes(`r${run}/`));
      const calledFor = ids.flatMap((id) => [`trace ${id}`, `run ${id}`]);
      for (let run = 0; run <= 4; run += 1) expect(of(run, heard)).toEqual(of(run, calledFor));
    }),
    { numRuns: 30 },
  );
});
