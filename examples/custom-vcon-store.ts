import { defineVconStore, VconOtelError } from 'vcon-otel';
import { z } from 'zod';

/** Stores vCons in another service, with `GET` and `PUT` of `<url>/<uuid>`. */
export default defineVconStore({
  options: z.strictObject({ url: z.url(), token: z.string() }),
  create: ({ url, token }) => {
    const ask = async (uuid: string, init: RequestInit = {}) => {
      const response = await fetch(`${url}/${encodeURIComponent(uuid)}`, {
        ...init,
        headers: { authorization: `Bearer ${token}` },
        // Every network call needs a time limit.
        signal: AbortSignal.timeout(5_000),
      });
      if (response.ok || response.status === 404) return response;
      // Never put any part of a document, or a secret, into an error.
      throw new VconOtelError('STORE_UNAVAILABLE', `the vCon service answered ${response.status}`);
    };
    return {
      // Undefined if there is none: it may have expired.
      read: async (uuid) => {
        const response = await ask(uuid);
        return response.ok ? response.text() : undefined;
      },
      write: async (uuid, text) => void (await ask(uuid, { method: 'PUT', body: text })),
      close: async () => {},
    };
  },
  // For `vcon-otel doctor`: a request that changes nothing.
  probe: async ({ url, token }, { timeout }) => {
    const { host } = new URL(url);
    try {
      const headers = { authorization: `Bearer ${token}` };
      const { status } = await fetch(url, { method: 'HEAD', headers, signal: AbortSignal.timeout(timeout) });
      if (status !== 401) return [{ state: 'ok', text: `${host} answers` }];
      return [{ state: 'fault', text: `${host} refuses the token`, advice: 'check the token' }];
    } catch {
      return [{ state: 'fault', text: `${host} does not answer`, advice: 'check that it can be reached' }];
    }
  },
});
