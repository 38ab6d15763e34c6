import {
  type Attributes,
  type Link,
  type SpanContext,
  SpanKind,
  type SpanStatus,
  SpanStatusCode,
} from '@opentelemetry/api';
import { plainErrorType } from './error.ts';
import type { ChainEvent, ChainOutcome, LinkOutcome, Stage, StorageOutcome } from './event.ts';
import { ATTR, CONSERVER_ATTR, nameOf, spanName, stageOf } from './semconv.ts';
import type { EndFacts, SpanFacts, StartFacts } from './span-facts.ts';
import { EXCEPTION, type SpanLike } from './span-like.ts';
import { isVconUuid, type QueuedContext } from './vcon.ts';

/*
 * The only writer and reader of our span names and attributes (DESIGN §6).
 *
 *   recorder ── encodeStart, encodeEnd ─► live span ── decodeStart, decodeEnd ─► bridge
 *   an event ── encode ─► a whole span ── decode ─► facts of a receiver, a timeline
 */

/** What is written on a span when its step begins. */
export type SpanStart = { readonly chain: string; readonly vconUuid: string } & (
  | {
      readonly stage: 'chain';
      readonly links: readonly string[];
      /** Set when the vCon was taken off a list: the span's kind is then CONSUMER. */
      readonly ingressList?: string | undefined;
      /** The chain that queued the vCon: tied by a span link, never by parenthood. */
      readonly queuedBy?: QueuedContext | undefined;
    }
  | { readonly stage: 'link'; readonly name: string; readonly index: number }
  | {
      readonly stage: 'storage';
      readonly name: string;
      /** `peer.service`; the name where absent. */
      readonly peerService?: string | undefined;
      readonly dbSystemName?: string | undefined;
    }
);

/** What is written on a span when its step has ended. */
export interface SpanEnd {
  readonly outcome: ChainOutcome | LinkOutcome | StorageOutcome;
  readonly outVconUuid?: string | undefined;
  /** Where the outcome is `error`; `_OTHER` where it is absent. */
  readonly errorType?: string | undefined;
}

/** A span of ours that has begun, as a tracer of OpenTelemetry takes it. */
export interface BegunSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  readonly links: Link[];
}

/** What a span of ours gets at its end; success leaves its status unset. */
export interface EndedSpan {
  readonly attributes: Attributes;
  readonly status: SpanStatus;
}

/** What a span gets when its step begins. */
export function encodeStart(start: SpanStart): BegunSpan {
  if (start.stage === 'chain') return encodeChain(start);
  return start.stage === 'link' ? encodeLink(start) : encodeStorage(start);
}

function encodeChain({ chain, vconUuid, links, ingressList, queuedBy }: StartOf<'chain'>): BegunSpan {
  const attributes: Attributes = {
    [CONSERVER_ATTR.vconId]: vconUuid,
    [CONSERVER_ATTR.chainName]: chain,
    [ATTR.vconUuid]: vconUuid,
    [ATTR.chainName]: chain,
    [ATTR.chainLinks]: [...links],
  };
  if (ingressList !== undefined) attributes[ATTR.ingressList] = ingressList;
  return {
    name: spanName('chain', chain),
    kind: ingressList === undefined ? SpanKind.INTERNAL : SpanKind.CONSUMER,
    attributes,
    links: queuedBy ? [{ context: { ...queuedBy, isRemote: true } }] : [],
  };
}

function encodeLink({ chain, vconUuid, name, index }: StartOf<'link'>): BegunSpan {
  return {
    name: spanName('link', name),
    kind: SpanKind.INTERNAL,
    attributes: {
      [CONSERVER_ATTR.vconId]: vconUuid,
      [CONSERVER_ATTR.chainName]: chain,
      [CONSERVER_ATTR.linkName]: name,
      [CONSERVER_ATTR.linkIndex]: index,
      [ATTR.vconUuid]: vconUuid,
      [ATTR.chainName]: chain,
      [ATTR.linkName]: name,
      [ATTR.linkIndex]: index,
    },
    links: [],
  };
}

function encodeStorage(start: StartOf<'storage'>): BegunSpan {
  const { chain, vconUuid, name, peerService = name, dbSystemName } = start;
  const attributes: Attributes = {
    [CONSERVER_ATTR.vconId]: vconUuid,
    [CONSERVER_ATTR.chainName]: chain,
    [CONSERVER_ATTR.storageName]: name,
    [ATTR.vconUuid]: vconUuid,
    [ATTR.chainName]: chain,
    [ATTR.storageName]: name,
    [ATTR.peerService]: peerService,
  };
  if (dbSystemName !== undefined) attributes[ATTR.dbSystemName] = dbSystemName;
  return { name: spanName('storage', name), kind: SpanKind.CLIENT, attributes, links: [] };
}

type StartOf<Of extends Stage> = Extract<SpanStart, { stage: Of }>;

/** What a span gets when its step has ended. */
export function encodeEnd(stage: Stage, name: string, end: SpanEnd): EndedSpan {
  const { outcome, outVconUuid, errorType = '_OTHER' } = end;
  const attributes: Attributes = {};
  // Of a storage the status says all that there is to say.
  if (stage !== 'storage') attributes[OUTCOME_KEY[stage]] = outcome;
  if (outVconUuid !== undefined) attributes[ATTR.vconOutUuid] = outVconUuid;
  if (outcome !== 'error') return { attributes, status: SUCCESS };
  attributes[ATTR.errorType] = errorType;
  return { attributes, status: { code: SpanStatusCode.ERROR, message: failureText(stage, name, errorType) } };
}

const SUCCESS: SpanStatus = Object.freeze({ code: SpanStatusCode.UNSET });

/** What a failure is called, in our own words: the error's own message may hold personal data. */
export function failureText(stage: Stage, name: string, errorType: string): string {
  return `${stage} ${name} failed: ${errorType}`;
}

/** The whole span of a step, or of a chain, as an event tells of it: begun, or ended. */
export function encode(event: ChainEvent): BegunSpan & EndedSpan {
  const { stage, chain, outVconUuid, outcome, errorType, vconSha256, inferred } = event;
  const begun = encodeStart(startOf(event));
  const name = event.link ?? event.storage ?? chain;
  const ended = outcome && encodeEnd(stage, name, { outcome, outVconUuid, errorType });
  const attributes = { ...begun.attributes, ...ended?.attributes };
  if (inferred.length > 0) attributes[ATTR.inferred] = [...inferred];
  if (vconSha256 !== undefined) attributes[ATTR.vconSha256] = vconSha256;
  return { ...begun, attributes, status: ended?.status ?? SUCCESS };
}

function startOf(event: ChainEvent): SpanStart {
  const { stage, chain, inVconUuid: vconUuid, links, link = '', linkIndex = 0, storage = '' } = event;
  if (stage === 'chain') return { stage, chain, vconUuid, links };
  if (stage === 'link') return { stage, chain, vconUuid, name: link, index: linkIndex };
  return { stage, chain, vconUuid, name: storage };
}

/**
 * Reads a span that has begun. It is ours if its name is one of the conserver's and it carries `chain_name` and `vcon_id`
 * (DESIGN §4); for all others this is undefined, and never an error.
 */
export function decodeStart(span: SpanLike): StartFacts | undefined {
  const stage = stageOf(span.name);
  if (stage === undefined) return undefined;
  const { attributes } = span;
  const chain = attributes[CONSERVER_ATTR.chainName];
  const vconId = attributes[CONSERVER_ATTR.vconId];
  if (typeof chain !== 'string' || vconId === undefined) return undefined;
  const vconUuid = isVconUuid(vconId) ? vconId : undefined;
  const inferred = inferredOf(attributes);
  const vconSha256 = sha256Of(attributes);
  if (stage === 'chain') {
    const links = textsOf(attributes[ATTR.chainLinks]);
    return { stage, chain, vconUuid, inferred, vconSha256, links, queuedBy: queuedByOf(span) };
  }
  const name = nameOf(stage, span.name);
  if (stage === 'storage') return { stage, chain, vconUuid, inferred, vconSha256, name };
  const index = indexOf(attributes[CONSERVER_ATTR.linkIndex]);
  return { stage, chain, vconUuid, inferred, vconSha256, name, index };
}

/** Reads a span of ours that has ended. */
export function decodeEnd(span: SpanLike, stage: Stage): EndFacts {
  const { attributes, status } = span;
  const outcome = saidOutcome(attributes[OUTCOME_KEY[stage]], stage);
  const failed = status.code === SpanStatusCode.ERROR || outcome === 'error';
  const outVconUuid = attributes[ATTR.vconOutUuid];
  return {
    failed,
    undecided: stage === 'chain' && !failed && outcome === undefined && isUndecided(span),
    errorType: failed ? (errorTypeOf(span) ?? '_OTHER') : undefined,
    outcome,
    outVconUuid: isVconUuid(outVconUuid) ? outVconUuid : undefined,
    inferred: inferredOf(attributes),
    vconSha256: sha256Of(attributes),
  };
}

/** Reads a whole span, if it is ours. */
export function decode(span: SpanLike): SpanFacts | undefined {
  const start = decodeStart(span);
  if (!start) return undefined;
  const { failed, undecided, errorType, outcome, outVconUuid, inferred, vconSha256 } = decodeEnd(
    span,
    start.stage,
  );
  return { ...start, failed, undecided, errorType, outcome, outVconUuid, inferred, vconSha256 };
}

/** The `error.type` of a span that has failed, ours or not; undefined where it is not ERROR and nothing says it. */
export function errorTypeOf({ attributes, events, status }: SpanLike): string | undefined {
  const said =
    attributes[ATTR.errorType] ??
    events.find(({ name }) => name === EXCEPTION.event)?.attributes?.[EXCEPTION.type];
  return said === undefined && status.code !== SpanStatusCode.ERROR ? undefined : plainErrorType(said);
}

/** How a step, or a chain, has ended, by what its own span says and nothing else. */
export function outcomeOf<Of extends Stage>(
  { failed, outcome, undecided }: EndFacts,
  stage: Of,
): Outcomes[Of] {
  const well = stage === 'chain' ? 'complete' : 'success';
  const found = failed ? 'error' : (outcome ?? (undecided ? 'unknown' : well));
  // What `decodeEnd` lets through is one of the stage's.
  return found as Outcomes[Of];
}

interface Outcomes {
  readonly chain: ChainOutcome;
  readonly link: LinkOutcome;
  readonly storage: StorageOutcome;
}

/** Where a span says how its step ended. */
const OUTCOME_KEY = {
  chain: ATTR.chainOutcome,
  link: ATTR.linkOutcome,
  storage: ATTR.storageOutcome,
} as const satisfies Record<Stage, string>;

function saidOutcome(value: unknown, stage: Stage): SpanEnd['outcome'] | undefined {
  if (value === 'error') return value;
  if (stage === 'chain')
    return value === 'complete' || value === 'halted' || value === 'unknown' ? value : undefined;
  if (value === 'success') return value;
  return stage === 'link' && (value === 'halt' || value === 'unknown') ? value : undefined;
}

/**
 * Where a Python conserver's own spans are recorded: its main program, or what a worker process knows as that; or what came
 * from elsewhere has lost the name of it.
 */
const PYTHON_SCOPES: readonly (string | undefined)[] = ['__main__', '__mp_main__', ''];

/** Whether the Python conserver recorded a span itself: without an outcome attribute, success and halt look alike on it. */
export function isOfServer({ scope }: Pick<SpanLike, 'scope'>): boolean {
  return PYTHON_SCOPES.includes(scope);
}

/** On chain spans of the Python conserver OK is success, and UNSET says nothing (CONSERVER §4). */
function isUndecided(span: SpanLike): boolean {
  return isOfServer(span) && span.status.code !== SpanStatusCode.OK;
}

/** Whole and not negative, whatever type it came in. */
function indexOf(value: unknown): number | undefined {
  const index = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return typeof index === 'number' && Number.isSafeInteger(index) && index >= 0 ? index : undefined;
}

function queuedByOf({ links }: SpanLike): readonly SpanContext[] {
  return links.length === 0 ? NOTHING : links.map(({ context }) => context);
}

function inferredOf(attributes: SpanLike['attributes']): readonly string[] {
  const names = textsOf(attributes[ATTR.inferred]);
  return names === undefined || names.length === 0 ? NOTHING : Object.freeze([...names]);
}

function sha256Of(attributes: SpanLike['attributes']): string | undefined {
  const hash = attributes[ATTR.vconSha256];
  return typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash) ? hash : undefined;
}

function textsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}

const NOTHING: readonly never[] = Object.freeze([]);
