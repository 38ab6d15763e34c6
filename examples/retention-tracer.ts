import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { defineTracer } from 'vcon-otel';
import { z } from 'zod';

const DAY = 86_400_000;

/** Writes a file each day, compresses old ones and deletes older ones: what must not be kept forever goes by itself. */
export default defineTracer({
  options: z.strictObject({
    directory: z.string(),
    retention_days: z.int().positive().default(90),
    archive_after_days: z.int().positive().default(30),
  }),
  create: ({ directory, retention_days, archive_after_days }) => {
    let tidied = '';
    const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10);
    const tidy = async (now: number) => {
      const [oldest, archived] = [dayOf(now - retention_days * DAY), dayOf(now - archive_after_days * DAY)];
      for (const name of await readdir(directory)) {
        const [, day = '', extension] = /^(\d{4}-\d\d-\d\d)(\.jsonl|\.jsonl\.gz)$/.exec(name) ?? [];
        const path = join(directory, name);
        if (extension === undefined || day >= archived) continue;
        // The archive is whole before what it is made of goes: a repeat after a crash starts over.
        if (day >= oldest && extension === '.jsonl')
          await writeFile(`${path}.gz`, await promisify(gzip)(await readFile(path)), { flush: true });
        if (day < oldest || extension === '.jsonl') await rm(path);
      }
    };
    return {
      trace: async (vconUuid, event, _options, { eventId, time }) => {
        // The day of writing, not of the event, so that no file changes once its day is over.
        const today = dayOf(Date.now());
        await mkdir(directory, { recursive: true });
        await appendFile(
          join(directory, `${today}.jsonl`),
          `${JSON.stringify({ time, eventId, event, vconUuid })}\n`,
        );
        // Once a day is enough.
        if (tidied === today) return;
        tidied = today;
        await tidy(Date.now());
      },
    };
  },
});
