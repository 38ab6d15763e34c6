import { appendFile } from 'node:fs/promises';
import { defineTracer, type EventContext } from 'vcon-otel';
import { z } from 'zod';

/** Writes the events that are ready at the same time with one call of the system. */
export default defineTracer({
  options: z.strictObject({ file: z.string() }),
  create: ({ file }) => {
    const line = ({ eventId, runId, stage, phase, time }: EventContext) =>
      `${JSON.stringify({ eventId, runId, stage, phase, time })}\n`;
    return {
      trace: (_vconUuid, _event, _options, context) => appendFile(file, line(context)),
      traceBatch: (events) => appendFile(file, events.map(line).join('')),
    };
  },
});
