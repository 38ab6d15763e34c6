import { appendFile } from 'node:fs/promises';
import { defineTracer } from 'vcon-otel';
import { z } from 'zod';

/**
 * A tracer that never fails: what cannot be written to one place goes to the other, and what cannot go there either is counted.
 * Only for what may be lost. A tracer that must not lose anything throws instead, and is called again.
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
          // The error may quote a path: it says nothing that the operator does not know.
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
