import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryJournal } from '../../src/journal/memory.ts';
import type { ConserverTracer } from '../../src/model/tracer.ts';
import { event } from '../journal/contract.ts';
import { dispatcherTo } from '../support/dispatcher.ts';
import { eventually } from '../support/eventually.ts';
import { runs } from '../support/search.ts';

/** How a tracer answers the first `trace` call of an event: nearly always at once. */
const answers = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.constant('at once') },
    fc.constantFrom('later', 'throws', 'rejects', 'false', 'another chain'),
  ),
  { minLength: 1, maxLength: 80 },
);

test('however many events are heard in a row, each counts once and as it was answered, and runs keep their order', async () => {
  await fc.assert(
    fc.asyncProperty(answers, fc.nat(30), async (plan, among) => {
      const ids = plan.map((_, i) => `r${i % (among + 1)}/${i}`);
      const failing = new Set(ids.filter((_, i) => plan[i] === 'throws' || plan[i] === 'rejects'));
      const heard: string[] = [];
      const module: ConserverTracer = {
        trace: (_uuid, _event, _opts, { eventId }) => {
          const kind = plan[ids.indexOf(eventId)];
          if (failing.delete(eventId)) {
            if (kind === 'throws') throw new Error();
            return Promise.reject(new Error());
          }
          heard.push(eventId);
          return kind === 'later' ? turn() : undefined;
        },
        run: (_in, _out, _name, _links, _index, _opts, { eventId }) => plan[ids.indexOf(eventId)] !== 'false',
      };
      const delivery = { retry: { initialInterval: 1, maxInterval: 1 } };
      const dispatcher = dispatcherTo([{ name: 'a', module, delivery }], memoryJournal(), {
        hears: (_tracer, chain) => chain !== 'other',
      });
      for (const [i, id] of ids.entries())
        dispatcher.accept({
          ...event(id),
          links: ['l'],
          ...(plan[i] === 'another chain' && { chain: 'other' }),
        });
      await turn();
      const [worker] = dispatcher.workers;
      await eventually('all is heard', () => worker?.depth === 0 || undefined);
      const of = (...kinds: string[]) => ids.filter((_, i) => kinds.includes(plan[i] ?? ''));
      expect(worker?.stats).toMatchObject({
        trace: ids.length - of('another chain').length,
        run: ids.length - of('false', 'another chain').length,
        ok: ids.length - of('false', 'another chain').length,
        dead: of('false').length,
        retried: of('throws', 'rejects').length,
      });
      const due = ids.filter((_, i) => plan[i] !== 'another chain');
      for (let run = 0; run <= among; run += 1) {
        const ofRun = (some: readonly string[]) => some.filter((id) => id.startsWith(`r${run}/`));
        expect(ofRun(heard)).toEqual(ofRun(due));
      }
      await dispatcher.shutdown(1_000);
    }),
    { numRuns: runs(60) },
  );
});
