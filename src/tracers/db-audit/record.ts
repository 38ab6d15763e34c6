import { type EventName, eventName } from '../../model/event.ts';
import type { EventContext } from '../../model/tracer.ts';

/** One row of the table, as it travels to the database. */
export interface AuditRecord {
  readonly event_id: string;
  readonly vcon_uuid: string;
  readonly event: EventName;
  /** When it happened, not when it was written: ISO 8601, UTC. */
  readonly timestamp: string;
  /** Names and ids only, never anything of a document. Fields that an event does not have are left out. */
  readonly metadata: Readonly<Record<string, string | number | readonly string[] | undefined>>;
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
      // As on the conserver's page on tracers: where the event is from, whoever wrote it down.
      source: 'vcon-server',
      chain: event.chain,
      link: event.link,
      link_index: event.linkIndex,
      storage: event.storage,
      in_vcon_uuid: inVconUuid === outVconUuid ? undefined : inVconUuid,
      outcome: event.outcome,
      error_type: event.errorType,
      inferred: event.inferred.length > 0 ? event.inferred : undefined,
      duration: event.duration,
      run_id: event.runId,
      trace_id: spanContext.traceId,
      span_id: spanContext.spanId,
    },
  };
}

/** As for a table that has no column `event_id`. */
export function withIdInside({ metadata: { source, ...others }, ...record }: AuditRecord): AuditRecord {
  return { ...record, metadata: { source, event_id: record.event_id, ...others } };
}

/** Where rows go. */
export interface AuditTable {
  /**
   * Writes rows, all or none; a row that is there already is left as it is, as far as the table lets it be recognised (`layout.ts`). Called again only after it has answered.
   * @throws DeliveryError
   */
  insert(records: readonly AuditRecord[]): Promise<void>;
  /** Releases the database. Safe twice. */
  close(): Promise<void>;
}
