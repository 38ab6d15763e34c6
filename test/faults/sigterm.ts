import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { type Fault, require, runFaults, TooSlow } from './fault.ts';
import { Heard } from './heard.ts';
import { RUN_EVENTS } from './numbered-runs.ts';
import { startServed } from './served.ts';

/** SIGTERM while a slow tracer has much to hear still. */
export const sigterm: Fault = {
  name: 'sigterm',
  title: 'SIGTERM while a slow tracer has thousands of events to hear still',
  inject: async ({ size, folder, say }) => {
    const events = 12_000;
    const runs = events / RUN_EVENTS;
    const heard = new Heard();
    const journal = join(folder, 'journal.db');

    // Two calls a second: whatever the machine needs to feed it, and to end, it hears few of them.
    const slow = { options: { end: runs, milliseconds: 5_000 }, delivery: { concurrency: 10 } };
    const first = await startServed(folder, { journal, tracers: { slow } });
    await first.feed();
    await first.child.until((message) => 'fed' in message);
    const { tracers } = await eventually('every event is pending or heard', async () => {
      const ready = await first.readyz();
      return ready.events === events ? ready : undefined;
    });
    const left = tracers.slow?.pending ?? 0;
    if (left < events / 2) throw new TooSlow();
    const began = performance.now();
    await first.end();
    const took = performance.now() - began;
    require(size === 'short' || took < DEADLINE, () => `it took ${took.toFixed(0)} ms to end`);
    heard.add(first.child.messages);
    const { kept } = await first.child.until((message) => 'kept' in message);

    const second = await startServed(folder, { journal, tracers: { slow: {} } });
    await second.caughtUp();
    await second.end();
    heard.add(second.child.messages);
    heard.requireAll('slow', runs);
    say(
      `${left.toLocaleString('en')} pending: ended after ${(took / 1_000).toFixed(1)} s with code 0, ${kept.toLocaleString('en')} kept and heard after the restart, in order; 0 lost, ${heard.again} twice whose call was under way`,
    );
  },
};

/** Milliseconds: ten seconds in which the tracer goes on hearing, and the ends of the parts. */
const DEADLINE = 20_000;

if (import.meta.main) await runFaults([sigterm]);
