import { afterEach, expect, test, vi } from 'vitest';
import type { BoundTracer } from '../../src/delivery/bound-tracer.ts';
import { createTracers } from '../../src/delivery/create-tracer.ts';
import type { Dispatcher } from '../../src/delivery/dispatcher.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { emptyVconStore } from '../../src/model/vcon.ts';
import { runEvents } from '../cli/kept-runs.ts';
import { dispatcherTo } from '../support/dispatcher.ts';
import { PATIENCE } from '../support/eventually.ts';
import { type Call, inShort, recordingTracer } from '../support/recording-tracer.ts';

const LATE = 60_000;

let dispatcher: Dispatcher | undefined;
afterEach(async () => {
  await dispatcher?.shutdown(LATE);
  dispatcher = undefined;
});

function bound(tracer: ReturnType<typeof recordingTracer>['tracer'], name = 'mine'): BoundTracer[] {
  return createTracers([{ name, module: tracer }], { vcons: emptyVconStore }) as BoundTracer[];
}

function started(tracer: ReturnType<typeof recordingTracer>['tracer']): Dispatcher {
  dispatcher = dispatcherTo([{ name: 'mine', module: tracer }], memoryJournal());
  return dispatcher;
}

const accept = (to: Dispatcher, id: string) => {
  for (const event of runEvents({ id })) to.accept(event);
};

test('a tracer that takes the place of another goes on where that has stopped, in order, and hears no call twice', async () => {
  const answers: (() => void)[] = [];
  const before = recordingTracer(() => new Promise<void>((answer) => answers.push(answer)));
  const to = started(before.tracer);
  accept(to, 'a');
  await vi.waitUntil(() => before.calls.length === 1, PATIENCE);
  let isResting = false;
  const rest = to.rest(['mine'], LATE).then(() => {
    isResting = true;
  });
  accept(to, 'b');
  await to.durable();
  // A call that is under way comes to its end, and so does the other one of the same event.
  expect(isResting).toBe(false);
  answers.shift()?.();
  await vi.waitUntil(() => before.calls.length === 2, PATIENCE);
  answers.shift()?.();
  await rest;
  const after = recordingTracer();
  await to.exchange(['mine'], bound(after.tracer));
  await vi.waitUntil(() => to.workers[0]?.depth === 0, PATIENCE);
  const all = (id: string) =>
    [...before.calls, ...after.calls].filter(({ context }) => context.runId.startsWith(id)).map(inShort);
  expect(before.calls).toHaveLength(2);
  expect(all('a')).toEqual(all('b'));
  expect(all('a')).toHaveLength(7);
  expect(to.workers[0]?.stats).toMatchObject({ ok: 8, trace: 8, run: 6, dropped: 0 });
});

test('an event whose trace was heard and whose run was not goes on with run', async () => {
  const before = recordingTracer((call: Call) => {
    if (call.call === 'run') throw new RangeError();
  });
  const to = started(before.tracer);
  accept(to, 'a');
  await vi.waitUntil(() => to.workers[0]?.retrying === 1, PATIENCE);
  await to.rest(['mine'], LATE);
  const after = recordingTracer();
  await to.exchange(['mine'], bound(after.tracer));
  await vi.waitUntil(() => to.workers[0]?.depth === 0, PATIENCE);
  expect(before.calls.map(({ call }) => call)).toEqual(['trace', 'run']);
  expect(after.calls[0]).toMatchObject({ call: 'run', index: -1 });
  expect(after.calls).toHaveLength(6);
});

test('who enters hears what comes from then on, and who has left hears nothing more', async () => {
  const before = recordingTracer();
  const to = started(before.tracer);
  accept(to, 'a');
  await vi.waitUntil(() => before.calls.length === 7, PATIENCE);
  const after = recordingTracer();
  await to.rest(['mine'], LATE);
  await to.exchange(['mine'], bound(after.tracer, 'other'));
  accept(to, 'b');
  await vi.waitUntil(() => after.calls.length === 7, PATIENCE);
  expect(after.calls.every(({ context }) => context.runId.startsWith('b'))).toBe(true);
  expect(before.calls).toHaveLength(7);
  expect(to.workers.map(({ name }) => name)).toEqual(['other']);
});
