import { type SpanContext, TraceFlags } from '@opentelemetry/api';
import { frozenEvent } from '../model/chain-event.ts';
import type { ChainEvent } from '../model/event.ts';
import type { RecordFact, SpanFact } from '../model/fact.ts';
import { outcomeOf } from '../model/span-codec.ts';
import { claimedTime, isTimed } from './claimed-times.ts';
import type { ClosedRun } from './closed-run.ts';
import { spanIdOf } from './ids.ts';
import { inferredNames } from './inferred.ts';
import { secondsBetween, toHrTime, toMillis } from './times.ts';

/*
 * What comes of a run that is over changes nothing that was stated: no call is made of it. It is kept as an event, so that
 * whoever looks at the run sees it.
 */

/** The event of a span that came when its run was over. */
export function lateSpan(run: ClosedRun, span: SpanFact): ChainEvent {
  const { stage, traceId, spanId, failed, errorType, start, end, vconSha256, sender, inferred } = span;
  const inVconUuid = span.vconUuid ?? run.uuids[0] ?? '';
  return lateEvent(run, spanId, {
    stage,
    phase: failed ? 'error' : 'complete',
    link: stage === 'link' ? span.name : undefined,
    linkIndex: stage === 'link' ? span.index : undefined,
    storage: stage === 'storage' ? span.name : undefined,
    inVconUuid,
    outVconUuid: span.outVconUuid ?? inVconUuid,
    outcome: outcomeOf(span, stage),
    errorType,
    time: toMillis(end),
    duration: secondsBetween(start, end),
    spanContext: contextOf(traceId, spanId),
    vconSha256,
    sender,
    inferred,
  });
}

/** The event of a record that came when its run was over. */
export function lateRecord(run: ClosedRun, record: RecordFact): ChainEvent {
  const { worker, seq, index, links, before, after = before, time, traceId, vconSha256, sender } = record;
  const key = spanIdOf(worker.host, worker.pid, seq, claimedTime(record));
  const id = record.spanId ?? key;
  return lateEvent(run, key, {
    stage: index < 0 ? 'chain' : 'link',
    phase: index < 0 ? 'start' : 'complete',
    link: links[index],
    linkIndex: index < 0 ? undefined : index,
    storage: undefined,
    inVconUuid: before ?? run.uuids[0] ?? '',
    outVconUuid: after ?? run.uuids[0] ?? '',
    outcome: undefined,
    errorType: undefined,
    time: toMillis(toHrTime(time)),
    duration: undefined,
    spanContext: contextOf(traceId ?? '', id),
    vconSha256,
    sender,
    inferred: inferredNames(!isTimed(record) && 'time'),
  });
}

/** A failed chain's span comes when the server's memory is cleaned up, and its run did not wait for it. */
export function isExpectedLate({ isHeadless }: ClosedRun, { stage, failed, undecided }: SpanFact): boolean {
  return stage === 'chain' && (failed || undecided) && isHeadless;
}

/** @param key names it among those of its run */
function lateEvent(
  { id: runId, chain }: ClosedRun,
  key: string,
  known: Omit<ChainEvent, 'eventId' | 'runId' | 'chain' | 'links' | 'calls'>,
): ChainEvent {
  return frozenEvent({ ...known, eventId: `${runId}/late/${key}`, runId, chain, links: [], calls: 'none' });
}

function contextOf(traceId: string, spanId: string): SpanContext {
  return Object.freeze({ traceId, spanId, traceFlags: TraceFlags.SAMPLED });
}
