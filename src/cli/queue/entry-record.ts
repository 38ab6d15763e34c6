import type { JournalEntry } from '../../journal/admin.ts';
import { eventName } from '../../model/event.ts';

/** An event at a tracer, as `--json` has it in lists. */
export function entryRecord({ tracer, event, state, attempts, since, at, errorType }: JournalEntry) {
  return {
    tracer,
    event_id: event.eventId,
    event: eventName(event),
    chain: event.chain,
    link: event.link ?? null,
    storage: event.storage ?? null,
    vcon_uuid: event.inVconUuid,
    time: isoTime(event.time),
    state,
    attempts,
    since: attempts > 0 && since !== undefined ? isoTime(since) : null,
    at: at === undefined ? null : isoTime(at),
    error_type: errorType ?? null,
  };
}

/** One dead letter, as `--json` has it: with all that is known of the event. */
export function letterRecord(entry: JournalEntry) {
  const { event, duration } = entry;
  return {
    ...entryRecord(entry),
    // Seconds that the last attempt took.
    attempt_duration: duration ?? null,
    link_index: event.linkIndex ?? null,
    out_vcon_uuid: event.outVconUuid,
    outcome: event.outcome ?? null,
    event_error_type: event.errorType ?? null,
    duration: event.duration ?? null,
    run_id: event.runId,
    trace_id: event.spanContext.traceId,
    span_id: event.spanContext.spanId,
    sender: event.sender ?? null,
    inferred: event.inferred,
  };
}

/** @param time milliseconds since the Unix epoch */
export function isoTime(time: number): string {
  return new Date(time).toISOString();
}
