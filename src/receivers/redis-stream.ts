import { z } from 'zod';
import { delay } from '../model/options/duration.ts';
import { redisUrl } from '../model/options/redis-url.ts';
import { text } from '../model/options/values.ts';
import { defineReceiver } from './receiver.ts';

/** Reads forwarded records off a stream in Redis. */
export default defineReceiver({
  options: z.strictObject({
    url: redisUrl.optional(),
    stream: text.default('vcon-otel:events'),
    group: text.default('vcon-otel'),
    consumer: text.default('vcon-otel'),
    claim_after: delay().prefault('60s'),
  }),
  check: ({ url }, surroundings) =>
    urlOf(url, surroundings) === ''
      ? [{ path: 'url', message: 'is required unless vcon_store is a Redis' }]
      : [],
  async create({ url, claim_after: claimAfter, ...where }, host) {
    const { startRedisStreamReceiver } = await import('./redis-stream/redis-stream-receiver.ts');
    const { sink, counts, journal, closeTimeout } = host;
    const given = { sink, counts, journal, closeTimeout };
    return startRedisStreamReceiver({ ...where, ...given, url: urlOf(url, host), claimAfter });
  },
  async probe({ url, ...where }, { timeout, ...surroundings }) {
    const { probe } = await import('./redis-stream/probe.ts');
    return probe({ ...where, url: urlOf(url, surroundings) }, timeout);
  },
  erasure: {
    mentions: async () => [
      { what: 'entries of its stream', count: undefined, stays: 'they go when whoever writes it trims it' },
    ],
    erase: async () => {},
  },
  describe: ({ stream, consumer, group }) => [`Redis stream ${stream}, as ${consumer} of the group ${group}`],
});

/** Empty where there is none: that is found when the configuration is checked. */
function urlOf(url: string | undefined, surroundings: { readonly redisUrl: string | undefined }): string {
  return url ?? surroundings.redisUrl ?? '';
}
