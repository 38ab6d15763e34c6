import { z } from 'zod';
import { ok } from '../model/finding.ts';
import { redisUrl } from '../model/options/redis-url.ts';
import { defineBuiltInVconStore, documentStays } from './built-in-vcon-store.ts';

/** The conserver's own Redis. */
export default defineBuiltInVconStore({
  options: z.strictObject({ url: redisUrl }),
  create: open,
  async probe({ url }, { timeout }) {
    const { probeRedis } = await import('../persistence/redis-probe.ts');
    return probeRedis(url, 'vcon_store.url', timeout, async ({ place, version }) => [
      ok(`Redis ${version} at ${place} answers`),
    ]);
  },
  redisUrl: ({ url }) => url,
  erasure: documentStays(open),
});

async function open({ url }: { readonly url: string }) {
  const { redisVconStore } = await import('./redis/redis-vcon-store.ts');
  return redisVconStore({ url });
}
