import type { ChainEvent, ChainOutcome } from './event.ts';
import { GrowingRun, type GrowingStep, type StepEnding } from './growing-run.ts';
import type { Run } from './run.ts';

/**
 * The run that events tell of: the inverse of `chainEvent`. It may not be over, and events at its beginning may be missing:
 * a step, or the chain, of which only the end is there began when that says.
 * @param events of one run, in their order; one at least
 * @throws RangeError where there are none
 */
export function runOfEvents(events: readonly ChainEvent[]): Run {
  const intime = events.filter(({ calls }) => calls !== 'none');
  const run = beginning(intime.length > 0 ? intime : events);
  const steps = new Map<string, GrowingStep>();
  for (const event of intime) {
    if (event.stage === 'chain') {
      if (event.phase !== 'start')
        run.finish({ ...endingOf<ChainOutcome>(event, 'complete'), lost: event.phase === 'lost' });
      continue;
    }
    const key = event.eventId.slice(0, event.eventId.lastIndexOf('/'));
    const step = steps.get(key) ?? beginStep(run, event);
    steps.set(key, step);
    // A `run` call that somebody waited for comes before it is known how the link ended.
    if (event.phase !== 'start' && event.calls !== 'run')
      run.endStep(step, endingOf<StepEnding['outcome']>(event, 'success'));
  }
  run.addLate(lateOf(run, events));
  return run;
}

/** How much of a run came when it was over; what had come before, and then once more, is none of it. */
function lateOf(run: GrowingRun, events: readonly ChainEvent[]): number {
  const heard = new Set(run.steps.map(({ spanContext }) => spanContext.spanId));
  // The chain span's id is known by its children, too.
  if (run.phase !== 'lost') heard.add(run.spanContext.spanId);
  return events.filter(({ calls, spanContext }) => calls === 'none' && !heard.has(spanContext.spanId)).length;
}

function beginning(events: readonly ChainEvent[]): GrowingRun {
  const [first] = events;
  if (!first) throw new RangeError('a run has one event at least');
  const { runId, chain } = first;
  const begun = events.find(({ stage }) => stage === 'chain');
  const { traceId, traceFlags } = first.spanContext;
  return new GrowingRun({
    runId,
    spanContext: begun?.spanContext ?? { traceId, spanId: runId, traceFlags },
    chain,
    // Where they were concluded they grow.
    links: events.at(-1)?.links ?? first.links,
    inVconUuid: (begun ?? first).inVconUuid,
    start: begun
      ? startOf(begun)
      : events.reduce((least, event) => Math.min(least, startOf(event)), Infinity),
    vconSha256: begun?.phase === 'start' ? begun.vconSha256 : undefined,
    inferred: begun?.phase === 'start' ? begun.inferred : [],
  });
}

function beginStep(run: GrowingRun, event: ChainEvent): GrowingStep {
  const { link, linkIndex, storage, spanContext, inVconUuid } = event;
  const isStart = event.phase === 'start';
  return run.beginStep({
    stage: link === undefined ? 'storage' : 'link',
    name: link ?? storage ?? '?',
    index: linkIndex,
    spanContext,
    inVconUuid,
    start: startOf(event),
    vconSha256: isStart ? event.vconSha256 : undefined,
    inferred: isStart ? event.inferred : [],
  });
}

/** Milliseconds since the Unix epoch. */
function startOf({ time, duration = 0 }: ChainEvent): number {
  return time - duration * 1e3;
}

function endingOf<Outcome>(event: ChainEvent, good: Outcome) {
  const { outVconUuid, time, duration = 0, errorType, vconSha256, inferred } = event;
  // An event of a chain has an outcome of chains, and one of a step that of steps.
  const outcome = (event.outcome as Outcome | undefined) ?? good;
  return { outVconUuid, end: time, duration, outcome, errorType, vconSha256, inferred };
}
