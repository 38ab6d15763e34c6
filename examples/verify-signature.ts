import { createHmac, timingSafeEqual } from 'node:crypto';

/** How the receiver of `tracers.external_audit` checks `Vcon-Signature`: true if the request is genuine and recent. */
export function verifySignature(
  key: string,
  headers: { readonly [name: string]: string | undefined },
  body: string,
): boolean {
  const [, time, mac] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(headers['vcon-signature'] ?? '') ?? [];
  if (time === undefined || mac === undefined) return false;
  // Five minutes, so that nobody can replay a captured request later.
  if (Math.abs(Date.now() / 1000 - Number(time)) > 300) return false;
  const signed = `${time}\n${headers['idempotency-key']}\n${body}`;
  return timingSafeEqual(createHmac('sha256', key).update(signed).digest(), Buffer.from(mac, 'hex'));
}
