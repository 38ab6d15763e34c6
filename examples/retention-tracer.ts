import { appendFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { defineTracer } from 'vcon-otel';
import { z } from 'zod';

const DAY = 86_400_000;

/** A file for each day, and none that is older than `keep_days`: what may not be kept for ever goes by itself. */
export default defineTracer({
  options: z.strictObject({ directory: z.string(), keep_days: z.int().positive().default(30) }),
  create: ({ directory, keep_days }) => {
    let tidied = '';
    const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10);
    return {
      trace: async (vconUuid, event, _options, { eventId, time }) => {
        await mkdir(directory, { recursive: true });
        await appendFile(
          join(directory, `${dayOf(time)}.jsonl`),
          `${JSON.stringify({ eventId, event, vconUuid })}\n`,
        );
        // Once a day is enough.
        const today = dayOf(Date.now());
        if (tidied === today) return;
        tidied = today;
        const oldest = dayOf(Date.now() - keep_days * DAY);
        for (const name of await readdir(directory))
          if (/^\d{4}-\d\d-\d\d\.jsonl$/.test(name) && name.slice(0, 10) < oldest)
            await rm(join(directory, name));
      },
    };
  },
});
