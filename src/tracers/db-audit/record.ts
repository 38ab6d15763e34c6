import { type EventName, eventName } from '../../model/event.ts';
import type { EventContext } from '../../model/tracer.ts';

/** One row of the table, as it travels to the database. */
export interface AuditRecord {
  readonly event_id: string;
  readonly vcon_uuid: string;
  readonly event: EventName;
  /** When it happened, which is not when it is written: ISO 8601, UTC. */
  readonly timestamp: string;
  /** Names and ids only, never anything of a document. What an event has no word for is left out. */
  readonly metadata: Readonly<Record<string, string | number | undefined>>;
}

/** An event as a row. */
export function auditRecord(event: EventContext): AuditRecord {
  const { inVconUuid, outVconUuid, spanContext } = event;
  return {
    event_id: event.eventId,
    vcon_uuid: outVconUuid,
    event: eventName(event),
    timestamp: new Date(event.time).toISOString(),
    metadata: {
      chain: event.chain,
      link: event.link,
      link_index: event.linkIndex,
      storage: event.storage,
      in_vcon_uuid: inVconUuid === outVconUuid ? undefined : inVconUuid,
      outcome: event.outcome,
      error_type: event.errorType,
      duration: event.duration,
      run_id: event.runId,
      trace_id: spanContext.traceId,
      span_id: spanContext.spanId,
    },
  };
}

/** Where rows go. */
export interface AuditTable {
  /**
   * Writes rows, all or none; a row whose `event_id` is there already is left as it is. Called again only when it has answered.
   * @throws DeliveryError
   */
  insert(records: readonly AuditRecord[]): Promise<void>;
  /** Lets go of the database. Safe twice. */
  close(): Promise<void>;
}
