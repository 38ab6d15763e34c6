import { createHash } from 'node:crypto';
import { eventName } from '../../model/event.ts';
import type { EventContext } from '../../model/tracer.ts';

/** A request to the audit service, without its authorization and signature. */
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
 * Several events: a list of their bodies, each with what would have been in its headers. The key identifies only this
 * list; if an event is sent again in another list, its `event_id` shows it.
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
    ...(isPlain(event) ? {} : { metadata: metadata(event) }),
  };
}

/** Whether the event's name says how it ended, and nothing of it had to be concluded. */
function isPlain({ outcome, errorType, inferred }: EventContext): boolean {
  const isSaid = outcome === undefined || outcome === 'success' || outcome === 'complete';
  return isSaid && errorType === undefined && inferred.length === 0;
}

/** What the documented fields do not say: how it ended, and what of that had to be concluded. */
function metadata({ outcome, errorType, inferred }: EventContext) {
  return {
    outcome,
    ...(errorType === undefined ? {} : { error_type: errorType }),
    ...(inferred.length === 0 ? {} : { inferred }),
  };
}

/** W3C Trace Context, version 00, §3.2. */
function traceparent({ spanContext: { traceId, spanId, traceFlags } }: EventContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
}

/** An event id may contain the name of a storage: everything except visible ASCII is percent-encoded, and so is `%`. */
function headerText(text: string): string {
  return text.toWellFormed().replace(/[^!-$&-~]/gu, encodeURIComponent);
}
