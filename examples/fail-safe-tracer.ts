import { appendFile } from 'node:fs/promises';
import { defineTracer } from 'vcon-otel';
import { z } from 'zod';

/**
 * A tracer that never fails: what it cannot write to one place goes to another, and what it cannot write there either is counted.
 * Use this only for events that may be lost. A tracer that must not lose anything throws instead, and is called again.
 */
export default defineTracer({
  options: z.strictObject({ file: z.string(), fallback: z.string() }),
  create: ({ file, fallback }, { name }) => {
    let lost = 0;
    return {
      trace: async (vconUuid, event, _options, { eventId }) => {
        const line = `${JSON.stringify({ eventId, event, vconUuid })}\n`;
        try {
          await appendFile(file, line);
        } catch {
          // The error is not logged: it may quote a path, and tells the operator nothing new.
          await appendFile(fallback, line).catch(() => {
            lost += 1;
          });
        }
      },
      shutdown: async () => {
        if (lost > 0) console.warn(`tracer ${name}: ${lost} events lost`);
      },
    };
  },
});
