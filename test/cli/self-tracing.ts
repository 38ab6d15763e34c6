import { appendFileSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers';
import { z } from 'zod';
import { defineTracer, traceChain } from '../../src/index.ts';

/**
 * A tracer that runs a chain of its own, since `serve` takes in none yet. It writes what it hears to a file, each
 * call taking its time, and never comes to an end where it is told to hang.
 */
export default defineTracer({
  options: z.strictObject({
    heard: z.string(),
    milliseconds: z.number().default(0),
    hang: z.boolean().default(false),
    throws: z.boolean().default(false),
  }),
  create({ heard, milliseconds, hang, throws }) {
    // When everything is started, the SDK among it.
    const timer = setTimeout(() => {
      void traceChain(
        { name: 'main', links: ['tag'] },
        '018f0000-0000-8000-8000-000000000005',
        async (run) => {
          await run.link('tag', (uuid) => uuid);
        },
      );
      void Promise.reject(new RangeError('canary'));
      if (throws) throw new TypeError('canary');
    }, 20);
    timer.unref();
    return {
      async trace(_uuid, event) {
        if (hang) return new Promise(() => {});
        await new Promise((resolve) =>
          milliseconds ? setTimeout(resolve, milliseconds) : setImmediate(resolve),
        );
        appendFileSync(heard, `${event}\n`);
      },
      async shutdown() {
        appendFileSync(heard, 'shutdown\n');
      },
    };
  },
});
