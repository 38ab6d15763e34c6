import type { ChainEvent } from '../model/event.ts';
import type { TimelineRun, TimelineStep } from './timeline-run.ts';

/** The beginning and the end of the chain, or of one of its steps; one of them at least. */
interface Subject {
  readonly event: ChainEvent;
  readonly start: number;
  readonly end: ChainEvent | undefined;
}

/**
 * A run as its events tell it, which may not be over: what has not ended is drawn up to the latest event.
 * @param events of one run, in their order; one at least
 * @throws RangeError where there are none
 */
export function runOfEvents(events: readonly ChainEvent[]): TimelineRun {
  const [first] = events;
  if (!first) throw new RangeError('a run has one event at least');
  const subjects = [...Map.groupBy(events, subjectOf).values()].flatMap((found) => pair(found) ?? []);
  const chain = subjects.find(({ event }) => event.stage === 'chain');
  const start = chain?.start ?? Math.min(...subjects.map((subject) => subject.start));
  const latest = Math.max(...events.map(({ time }) => time));
  const end = chain?.end;
  const seconds = (from: number, to: number): number => Math.max(0, to - from) / 1e3;
  return {
    runId: first.runId,
    traceId: first.spanContext.traceId,
    chain: first.chain,
    vconUuid: (chain?.event ?? first).inVconUuid,
    outVconUuid: (end ?? events.at(-1) ?? first).outVconUuid,
    outcome: end && (end.phase === 'error' ? 'error' : end.outcome === 'halted' ? 'halted' : 'complete'),
    errorType: end?.errorType,
    start,
    duration: end?.duration ?? seconds(start, latest),
    truncated: !end,
    ...(!end && { open: true as const }),
    linkedFrom: [],
    steps: subjects
      .filter(({ event }) => event.stage !== 'chain')
      .sort((a, b) => a.start - b.start)
      .map((step) => stepOf(step, seconds(start, step.start), seconds(step.start, latest))),
    inferred: end ? [] : ['duration', 'outVconUuid'],
  };
}

/** An event's id without its phase. */
function subjectOf({ eventId }: ChainEvent): string {
  return eventId.slice(0, eventId.lastIndexOf('/'));
}

function pair(events: readonly ChainEvent[]): Subject | undefined {
  const begin = events.find(({ phase }) => phase === 'start');
  const end = events.find(({ phase }) => phase !== 'start');
  const event = begin ?? end;
  // Of a beginning that the journal has not any more, the end still tells when it was.
  return event && { event, start: begin?.time ?? event.time - (event.duration ?? 0) * 1e3, end };
}

function stepOf({ event, end }: Subject, start: number, soFar: number): TimelineStep {
  const stage = event.stage === 'link' ? 'link' : 'storage';
  return {
    stage,
    name: event.link ?? event.storage ?? '?',
    index: event.linkIndex,
    outcome: end && (end.phase === 'error' ? 'error' : end.outcome === 'halt' ? 'halt' : 'success'),
    errorType: end?.errorType,
    start,
    duration: end?.duration ?? soFar,
    depth: 0,
    vconUuid: event.inVconUuid,
    outVconUuid: stage === 'link' ? (end ?? event).outVconUuid : undefined,
  };
}
