import { defineTracer } from 'vcon-otel';
import { z } from 'zod';

/** Counts events by chain and prints the counts at shutdown: a tracer with options and state. */
export default defineTracer({
  options: z.strictObject({ title: z.string().default('events') }),
  create: ({ title }) => {
    const counts = new Map<string, number>();
    return {
      trace: (_vconUuid, event, _options, { chain }) => {
        const key = `${chain} ${event}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      },
      shutdown: async () => {
        for (const [key, count] of counts) console.log(`${title}: ${key} ${count}`);
      },
    };
  },
});
