import { z } from 'zod';

export const text = z.string().min(1);
export const port = z.int().min(0).max(65_535);
export const httpUrl = url(/^https?$/, 'an http:// or https:// URL');
export const redisUrl = url(/^rediss?$/, 'a redis:// or rediss:// URL');

function url(protocol: RegExp, what: string) {
  return z.url({
    protocol,
    error: ({ code }) => (code === 'invalid_format' ? `expected ${what}` : undefined),
  });
}
