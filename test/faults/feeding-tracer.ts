import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { defineTracer } from '../../src/index.ts';
import { passRun, runNumberOf } from './numbered-runs.ts';
import { say } from './say.ts';

// A tracer for a `serve`, which takes in no chains yet: it makes numbered runs happen itself, and tells what it hears.
// SIGUSR2 starts the runs, and stops them.

/** What it tells. */
export type FeedingMessage =
  /** Runs begin, the first with this number. */
  | { readonly feeding: number }
  /** They have stopped; the next would have this number. */
  | { readonly fed: number }
  /** A call for this event begins that takes its time. */
  | { readonly calling: string; readonly by: string }
  /** A call is answered well: for which event, its id without that of the run, and of which run. */
  | { readonly heard: string; readonly by: string; readonly step: string; readonly run: number }
  /** The tracer was shut down. */
  | { readonly ended: string };

export default defineTracer({
  options: z.strictObject({
    /** Whether it makes runs happen: from which number on, up to which, and how many milliseconds apart. */
    feeds: z.boolean().default(false),
    first: z.number().default(0),
    end: z.number().default(Number.MAX_SAFE_INTEGER),
    pace: z.number().default(0),
    /** Milliseconds that a call takes. */
    milliseconds: z.number().default(0),
    /** How many attempts at each event fail. */
    failures: z.number().default(0),
  }),
  create({ feeds, first, end, pace, milliseconds, failures }, { name }) {
    if (feeds) feedAtSignal(first, end, pace);
    const failed = new Map<string, number>();
    return {
      async trace(uuid, _event, _options, { eventId, runId }) {
        if (milliseconds > 0) {
          say({ calling: eventId, by: name });
          await wait(milliseconds);
        }
        const before = failed.get(eventId) ?? 0;
        if (before < failures) {
          failed.set(eventId, before + 1);
          throw new RangeError('on purpose');
        }
        failed.delete(eventId);
        say({ heard: eventId, by: name, step: eventId.slice(runId.length + 1), run: runNumberOf(uuid) });
      },
      async shutdown() {
        say({ ended: name });
      },
    };
  },
});

function feedAtSignal(first: number, end: number, pace: number): void {
  let next = first;
  let isFeeding = false;
  const feed = async () => {
    say({ feeding: next });
    while (isFeeding && next < end) {
      await passRun(next);
      next += 1;
      if (pace > 0) await wait(pace);
      else await turn();
    }
    isFeeding = false;
    say({ fed: next });
  };
  process.on('SIGUSR2', () => {
    isFeeding = !isFeeding;
    if (isFeeding) void feed();
  });
}
