import { defineTracer, parseVcon } from 'vcon-otel';
import { z } from 'zod';

/**
 * The conserver's sample of `run`, in TypeScript: it reads the vCon as it left the step, and says whether it succeeded. Every
 * tracer takes `enabled: false` among its options, so this one need not look for it.
 */
export default defineTracer({
  options: z.strictObject({
    api_url: z.url().default('http://example.com/api'),
    api_key: z.string().default(''),
  }),
  create: ({ api_url, api_key }, { vcons }) => ({
    run: async (_inVconUuid, outVconUuid, tracerName, links, linkIndex, _options, context) => {
      // With the event, other tracers that ask for the same document share what is read.
      const text = await vcons.read(outVconUuid, context);
      // Expired, perhaps. False is counted as a failure, and the call is not made again.
      if (text === undefined) return false;
      const { parties, dialog } = parseVcon(text);
      const step = linkIndex < 0 ? 'start' : (links[linkIndex] ?? 'end');
      const response = await fetch(api_url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': encodeURIComponent(context.eventId),
          ...(api_key && { authorization: `Bearer ${api_key}` }),
        },
        // Counts, not contents: what leaves the conserver is as little as will do.
        body: JSON.stringify({
          tracerName,
          step,
          outVconUuid,
          parties: parties?.length ?? 0,
          dialogs: dialog?.length ?? 0,
        }),
        signal: AbortSignal.timeout(5_000),
      });
      // To throw means: call me again later.
      if (response.status >= 500) throw new Error(`the service answered ${response.status}`);
      return response.ok;
    },
  }),
});
