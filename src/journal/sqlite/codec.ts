import type { SpanContext } from '@opentelemetry/api';
import type { ChainEvent } from '../../model/event.ts';

/** An event as it is stored: `[run id, chain, entering uuid, step, time, body]`, `step` being the rest of its id. */
export type StoredEvent = readonly [
  runId: string,
  chain: string,
  vconUuid: string,
  step: string,
  time: number,
  body: string,
];

/** What of an event is neither in its run nor in a column. */
type Body = Pick<ChainEvent, 'stage' | 'phase' | 'links'> &
  Partial<
    Pick<
      ChainEvent,
      'link' | 'linkIndex' | 'storage' | 'outcome' | 'errorType' | 'duration' | 'vconSha256' | 'inferred'
    >
  > & {
    readonly in: string;
    /** Left out where it is `in`. */
    readonly out?: string;
    readonly span: readonly [traceId: string, spanId: string, traceFlags: number];
  };

/** How an event is written. Its id begins with its run's. */
export function encode(event: ChainEvent): StoredEvent {
  const { stage, phase, links, link, linkIndex, storage, outcome, errorType, duration, inferred } = event;
  const { traceId, spanId, traceFlags } = event.spanContext;
  const { inVconUuid, outVconUuid } = event;
  const body = JSON.stringify({
    stage,
    phase,
    links,
    link,
    linkIndex,
    storage,
    in: inVconUuid,
    out: outVconUuid === inVconUuid ? undefined : outVconUuid,
    outcome,
    errorType,
    duration,
    span: [traceId, spanId, traceFlags],
    vconSha256: event.vconSha256,
    inferred: inferred.length > 0 ? inferred : undefined,
  });
  return [
    event.runId,
    event.chain,
    inVconUuid,
    event.eventId.slice(event.runId.length + 1),
    event.time,
    body,
  ];
}

/** The inverse of {@link encode}. */
export function decode([runId, chain, , step, time, text]: StoredEvent): ChainEvent {
  const body = JSON.parse(text) as Body;
  const [traceId, spanId, traceFlags] = body.span;
  const spanContext: SpanContext = Object.freeze({ traceId, spanId, traceFlags });
  return Object.freeze({
    eventId: `${runId}/${step}`,
    runId,
    stage: body.stage,
    phase: body.phase,
    chain,
    links: Object.freeze(body.links),
    link: body.link,
    linkIndex: body.linkIndex,
    storage: body.storage,
    inVconUuid: body.in,
    outVconUuid: body.out ?? body.in,
    outcome: body.outcome,
    errorType: body.errorType,
    time,
    duration: body.duration,
    spanContext,
    vconSha256: body.vconSha256,
    inferred: Object.freeze(body.inferred ?? []),
  });
}
