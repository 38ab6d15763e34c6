import { appendFile } from 'node:fs/promises';
import { defineTracer } from 'vcon-otel';
import { z } from 'zod';

/**
 * Writes one JSON object for every event that ends something, with what the documented signature lacks: where it happened,
 * how it ended, how long it took, and its trace id.
 */
export default defineTracer({
  options: z.strictObject({ file: z.string(), labels: z.record(z.string(), z.string()).default({}) }),
  create: ({ file, labels }) => ({
    trace: async (vconUuid, event, _options, context) => {
      if (context.phase === 'start') return;
      const { eventId, runId, chain, link, storage, outcome, errorType, duration, spanContext } = context;
      const record = {
        time: new Date(context.time).toISOString(),
        event,
        vcon_uuid: vconUuid,
        metadata: { event_id: eventId, run_id: runId, chain, link, storage, outcome, error_type: errorType },
        seconds: duration,
        trace_id: spanContext.traceId,
        labels,
      };
      await appendFile(file, `${JSON.stringify(record)}\n`);
    },
  }),
});
