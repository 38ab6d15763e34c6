import { createHmac } from 'node:crypto';

/**
 * `t=<seconds>,v1=<hex>`: HMAC-SHA-256 (RFC 2104) with the shared key over the time of sending in whole seconds since the
 * Unix epoch, the `Idempotency-Key` and the body, with a line feed between them. Neither of the first two can contain one.
 * @param seconds since the Unix epoch
 */
export function signature(key: string, idempotencyKey: string, body: string, seconds: number): string {
  const time = Math.floor(seconds);
  const mac = createHmac('sha256', key).update(`${time}\n${idempotencyKey}\n${body}`).digest('hex');
  return `t=${time},v1=${mac}`;
}
