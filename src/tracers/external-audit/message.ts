import { createHash } from 'node:crypto';
import { eventName } from '../../model/event.ts';
import type { EventContext } from '../../model/tracer.ts';

/** A request to the audit service, but for its authorization and signature. */
export interface Message {
  readonly body: string;
  readonly headers: { readonly 'idempotency-key': string; readonly traceparent?: string };
}

/** One event, as the conserver documents it. */
export function auditMessage(event: EventContext, systemId: string): Message {
  return {
    body: JSON.stringify(payload(event, systemId)),
    headers: { 'idempotency-key': headerText(event.eventId), traceparent: traceparent(event) },
  };
}

/**
 * Several events: a list of what each would have been, with what would have stood in its headers. The key is that of just
 * this list; should an event be sent again in another one, its `event_id` tells.
 */
export function batchMessage(events: readonly EventContext[], systemId: string): Message {
  const ids = events.map(({ eventId }) => eventId);
  return {
    body: JSON.stringify(
      events.map((event) => ({
        ...payload(event, systemId),
        event_id: event.eventId,
        traceparent: traceparent(event),
      })),
    ),
    headers: { 'idempotency-key': createHash('sha256').update(JSON.stringify(ids)).digest('hex') },
  };
}

function payload(event: EventContext, systemId: string) {
  return {
    system_id: systemId,
    entity_id: event.outVconUuid,
    entity_type: 'vcon',
    event_type: eventName(event),
    timestamp: new Date(event.time).toISOString(),
  };
}

/** W3C Trace Context, version 00, §3.2. */
function traceparent({ spanContext: { traceId, spanId, traceFlags } }: EventContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
}

/** An event id may hold the name of a storage: whatever is not visible ASCII is percent-encoded, and `%` too. */
function headerText(text: string): string {
  return text.toWellFormed().replace(/[^!-$&-~]/gu, encodeURIComponent);
}
