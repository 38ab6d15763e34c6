import { createHash } from 'node:crypto';
import type { ChainEvent } from '../../model/event.ts';

/**
 * The id of an event's record: always the same for the same event, so that readers of the trail recognise what was sent
 * twice. A UUIDv8 of a SHA-256 (RFC 9562 §5.8, as in its appendix B.2).
 */
export function recordId({ eventId, spanContext }: ChainEvent): string {
  const hash = createHash('sha256')
    .update(`vcon-otel jlinc record\n${spanContext.traceId}\n${eventId}`)
    .digest();
  const bytes = hash.subarray(0, 16);
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
