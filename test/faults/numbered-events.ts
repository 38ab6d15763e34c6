import type { ChainEvent } from '../../src/model/event.ts';

/** Events of a run. */
const RUN = 16;

/** The n-th of all events: told apart, put in order and missed by its number. */
export function numberedEvent(n: number): ChainEvent {
  const runId = Math.floor(n / RUN)
    .toString(16)
    .padStart(16, '0');
  const linkIndex = n % RUN;
  return Object.freeze({
    eventId: `${runId}/link/${linkIndex}/complete`,
    runId,
    stage: 'link',
    phase: 'complete',
    chain: 'main',
    links: LINKS,
    link: `l${linkIndex}`,
    linkIndex,
    storage: undefined,
    inVconUuid: '01928e10-193e-8231-b9a2-279e0d16bc46',
    outVconUuid: '01928e10-193e-8231-b9a2-279e0d16bc46',
    outcome: 'success',
    errorType: undefined,
    time: Date.now(),
    duration: 0.25,
    spanContext: { traceId: 'a'.repeat(32), spanId: runId, traceFlags: 1 },
    vconSha256: undefined,
    inferred: [],
  });
}

/** The number of an event, by its id. */
export function numberOf(eventId: string): number {
  const [run = '', , index] = eventId.split('/');
  return Number.parseInt(run, 16) * RUN + Number(index);
}

const LINKS = Object.freeze(Array.from({ length: RUN }, (_, index) => `l${index}`));
