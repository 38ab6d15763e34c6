import type { LedgerEntry } from '../../ledger/index.ts';
import type { EventName } from '../../model/event.ts';
import type { EventContext } from '../../model/tracer.ts';

/** What is recorded of an event, but for its content. */
export function eventEntry(
  vcon_uuid: string,
  event: EventName,
  context: EventContext,
  retention_policy: string,
): Extract<LedgerEntry, { run_id: string }> {
  const { eventId, runId, chain, link, storage, linkIndex, inVconUuid, outcome, errorType, time, inferred } =
    context;
  const { sender } = context;
  const step = link ?? storage;
  const lifecycle = lifecycleOf(vcon_uuid, event, context);
  return {
    record_id: eventId,
    vcon_uuid,
    event,
    timestamp: new Date(time).toISOString(),
    retention_policy,
    actor: 'conserver',
    run_id: runId,
    chain,
    trace_id: context.spanContext.traceId,
    span_id: context.spanContext.spanId,
    ...(inVconUuid === vcon_uuid ? {} : { in_vcon_uuid: inVconUuid }),
    ...(step === undefined ? {} : { step }),
    ...(linkIndex === undefined ? {} : { step_index: linkIndex }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(errorType === undefined ? {} : { error_type: errorType }),
    ...(sender === undefined ? {} : { sender }),
    ...(inferred.length === 0 ? {} : { inferred: [...inferred] }),
    ...(lifecycle === undefined ? {} : { lifecycle }),
  };
}

/**
 * The matching term of draft-howe-vcon-lifecycle: a link that ended well enhanced the vCon, or made another one of it.
 * It has none for a chain's start (nobody sent the vCon) or for a storage.
 */
function lifecycleOf(vconUuid: string, event: EventName, { outcome, inVconUuid }: EventContext) {
  if (event !== 'link_complete' || outcome !== 'success') return undefined;
  return inVconUuid === vconUuid ? 'vcon_enhanced' : 'vcon_created';
}
