import {
  type Attributes,
  type Context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TimeInput,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { errorType, stackFrames } from '../model/error.ts';
import type { ChainOutcome, LinkOutcome, Stage } from '../model/event.ts';
import { ATTR, CONSERVER_ATTR, spanName } from '../model/semconv.ts';
import type { QueuedContext } from '../model/vcon.ts';

/** What is known when a chain begins. */
export interface ChainFacts {
  readonly chain: string;
  readonly vconUuid: string;
  readonly links: readonly string[];
  /** Set when the vCon was taken off a list: the span's kind is then CONSUMER. */
  readonly ingressList?: string;
  /** The chain that queued the vCon: tied by a span link, never by parenthood. */
  readonly queuedBy?: QueuedContext;
}

/** What is known when a link begins. */
export interface LinkFacts {
  readonly chain: string;
  readonly vconUuid: string;
  readonly link: string;
  readonly linkIndex: number;
}

/** What is known when a storage begins. */
export interface StorageFacts {
  readonly chain: string;
  readonly vconUuid: string;
  readonly storage: string;
  readonly peerService?: string;
  readonly dbSystemName?: string;
}

/** How a step ended. */
export interface StepEnd<Outcome> {
  readonly outcome: Outcome;
  readonly outVconUuid?: string;
  readonly time?: TimeInput;
}

/** Opens a chain span (DESIGN §6). */
export function startChainSpan(
  tracer: Tracer,
  facts: ChainFacts,
  parent: Context = ROOT_CONTEXT,
  startTime?: TimeInput,
): Span {
  const attributes: Attributes = {
    [CONSERVER_ATTR.vconId]: facts.vconUuid,
    [CONSERVER_ATTR.chainName]: facts.chain,
    [ATTR.vconUuid]: facts.vconUuid,
    [ATTR.chainName]: facts.chain,
    [ATTR.chainLinks]: [...facts.links],
  };
  if (facts.ingressList !== undefined) attributes[ATTR.ingressList] = facts.ingressList;
  return tracer.startSpan(
    spanName('chain', facts.chain),
    {
      kind: facts.ingressList === undefined ? SpanKind.INTERNAL : SpanKind.CONSUMER,
      attributes,
      links: facts.queuedBy ? [spanLink(facts.queuedBy)] : [],
      ...(startTime === undefined ? {} : { startTime }),
    },
    parent,
  );
}

/** The parent of a chain's links and storages, whatever span is current when they start. */
export function insideChain(chainSpan: Span): Context {
  return trace.setSpan(ROOT_CONTEXT, chainSpan);
}

/**
 * Opens a link span.
 * @param chain {@link insideChain}
 */
export function startLinkSpan(tracer: Tracer, chain: Context, facts: LinkFacts, startTime?: TimeInput): Span {
  const attributes: Attributes = {
    [CONSERVER_ATTR.vconId]: facts.vconUuid,
    [CONSERVER_ATTR.chainName]: facts.chain,
    [CONSERVER_ATTR.linkName]: facts.link,
    [CONSERVER_ATTR.linkIndex]: facts.linkIndex,
    [ATTR.vconUuid]: facts.vconUuid,
    [ATTR.chainName]: facts.chain,
    [ATTR.linkName]: facts.link,
    [ATTR.linkIndex]: facts.linkIndex,
  };
  return startChild(tracer, chain, 'link', facts.link, SpanKind.INTERNAL, attributes, startTime);
}

/**
 * Opens a storage span.
 * @param chain {@link insideChain}
 */
export function startStorageSpan(
  tracer: Tracer,
  chain: Context,
  facts: StorageFacts,
  startTime?: TimeInput,
): Span {
  const attributes: Attributes = {
    [CONSERVER_ATTR.vconId]: facts.vconUuid,
    [CONSERVER_ATTR.chainName]: facts.chain,
    [CONSERVER_ATTR.storageName]: facts.storage,
    [ATTR.vconUuid]: facts.vconUuid,
    [ATTR.chainName]: facts.chain,
    [ATTR.storageName]: facts.storage,
    [ATTR.peerService]: facts.peerService ?? facts.storage,
  };
  if (facts.dbSystemName !== undefined) attributes[ATTR.dbSystemName] = facts.dbSystemName;
  return startChild(tracer, chain, 'storage', facts.storage, SpanKind.CLIENT, attributes, startTime);
}

/** Closes a chain span. */
export function endChainSpan(span: Span, end: StepEnd<ChainOutcome>): void {
  span.setAttribute(ATTR.chainOutcome, end.outcome);
  endSpan(span, end);
}

/** Closes a link span. */
export function endLinkSpan(span: Span, end: StepEnd<LinkOutcome>): void {
  span.setAttribute(ATTR.linkOutcome, end.outcome);
  endSpan(span, end);
}

/** Closes a storage span. */
export function endStorageSpan(span: Span, time?: TimeInput): void {
  span.end(time);
}

/**
 * Marks a span as failed: `error.type` and a short message of our own words. The error's own message may hold
 * personal data and stays out.
 */
export function markFailed(span: Span, stage: Stage, name: string, type: string): void {
  span.setAttribute(ATTR.errorType, type);
  span.setStatus({ code: SpanStatusCode.ERROR, message: `${stage} ${name} failed: ${type}` });
}

/**
 * Adds the one `exception` event of a failure (OpenTelemetry semantic conventions, exceptions).
 * @param withStack adds the stack's frames, without the message that heads them
 */
export function addException(
  span: Span,
  stage: Stage,
  name: string,
  error: unknown,
  withStack: boolean,
): void {
  const type = errorType(error);
  const attributes: Attributes = {
    'exception.type': type,
    'exception.message': `${stage} ${name} failed: ${type}`,
  };
  if (withStack) {
    const frames = stackFrames(error);
    if (frames !== '') attributes['exception.stacktrace'] = `${type}\n${frames}`;
  }
  span.addEvent('exception', attributes);
}

function startChild(
  tracer: Tracer,
  chain: Context,
  stage: Stage,
  name: string,
  kind: SpanKind,
  attributes: Attributes,
  startTime: TimeInput | undefined,
): Span {
  return tracer.startSpan(
    spanName(stage, name),
    startTime === undefined ? { kind, attributes } : { kind, attributes, startTime },
    chain,
  );
}

function endSpan(span: Span, end: StepEnd<unknown>): void {
  if (end.outVconUuid !== undefined) span.setAttribute(ATTR.vconOutUuid, end.outVconUuid);
  span.end(end.time);
}

function spanLink(queuedBy: QueuedContext): Link {
  return {
    context: { ...queuedBy, isRemote: true },
  };
}
