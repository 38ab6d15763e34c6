import type { ChainEvent } from './event.ts';
import { CHAIN_EVENT_IDS } from './event-id.ts';
import type { GrowingStep } from './growing-run.ts';
import type { Run, StepCall } from './run.ts';

/** The event that says how far a run or one of its steps is: that it has begun, or how it has ended. */
export function chainEvent(run: KnownRun, step?: GrowingStep): ChainEvent {
  const isLink = step?.stage === 'link';
  const { phase, start, end } = step ?? run;
  const { inVconUuid, outVconUuid, outcome, errorType, duration } = step ?? run;
  const { spanContext, vconSha256, inferred } = step ?? run;
  // With the keys of `frozenEvent` in their order.
  return Object.freeze({
    eventId: run.runId + (step ? step.eventIds : CHAIN_EVENT_IDS)[phase],
    runId: run.runId,
    stage: step ? step.stage : 'chain',
    phase,
    chain: run.chain,
    links: run.links,
    link: isLink ? step.name : undefined,
    linkIndex: isLink ? step.index : undefined,
    storage: step && !isLink ? step.name : undefined,
    inVconUuid,
    outVconUuid,
    outcome,
    errorType,
    time: end ?? start,
    duration,
    spanContext,
    vconSha256,
    calls: step?.called && phase !== 'start' ? 'trace' : undefined,
    sender: run.sender,
    inferred,
  });
}

/**
 * The event of a link that has returned, of which nobody knows yet how it ended: somebody waits for its `run` call
 * (DESIGN §10).
 */
export function calledEvent(run: KnownRun, step: GrowingStep, call: StepCall): ChainEvent {
  return frozenEvent({
    ...chainEvent(run, step),
    ...call,
    eventId: `${run.runId}/link/${step.index}/run`,
    phase: 'complete',
    calls: 'run',
  });
}

/** A run whose uuids are known, as they have to be for events of it. */
type KnownRun = Run & { readonly inVconUuid: string; readonly outVconUuid: string };

/** Makes an event from parts that were stored. */
export function frozenEvent(event: ChainEvent): ChainEvent {
  // One literal with every key, so that all events have one shape.
  return Object.freeze({
    eventId: event.eventId,
    runId: event.runId,
    stage: event.stage,
    phase: event.phase,
    chain: event.chain,
    links: event.links,
    link: event.link,
    linkIndex: event.linkIndex,
    storage: event.storage,
    inVconUuid: event.inVconUuid,
    outVconUuid: event.outVconUuid,
    outcome: event.outcome,
    errorType: event.errorType,
    time: event.time,
    duration: event.duration,
    spanContext: event.spanContext,
    vconSha256: event.vconSha256,
    calls: event.calls,
    sender: event.sender,
    inferred: event.inferred,
  });
}
