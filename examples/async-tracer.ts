import { DeliveryError, defineTracer } from 'vcon-otel';
import { z } from 'zod';

/** Posts every event to a web hook. The next event of the same run waits for the answer; other runs do not. */
export default defineTracer({
  options: z.strictObject({ url: z.url(), token: z.string() }),
  create: ({ url, token }) => ({
    trace: async (vconUuid, event, _options, { eventId, chain }) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'idempotency-key': encodeURIComponent(eventId) },
        body: JSON.stringify({ event, vconUuid, chain }),
        // Every network call needs a time limit.
        signal: AbortSignal.timeout(5_000),
      });
      await response.body?.cancel();
      if (response.ok) return;
      throw new DeliveryError(`the hook answered ${response.status}`, {
        // Calling again does not fix a bad request; a busy server says when to come back.
        permanent: response.status === 400,
        retryAfter: response.headers.get('retry-after'),
      });
    },
  }),
  // For `vcon-otel doctor`: a request that changes nothing. Even a refusal shows that the server is there.
  probe: async ({ url }, { timeout }) => {
    const { host } = new URL(url);
    try {
      await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(timeout) });
      return [{ state: 'ok', text: `${host} answers` }];
    } catch {
      return [{ state: 'fault', text: `${host} does not answer`, advice: 'check that it can be reached' }];
    }
  },
});
