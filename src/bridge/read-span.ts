import { type Attributes, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Stage } from '../model/event.ts';
import { ATTR, CONSERVER_ATTR, nameOf, stageOf } from '../model/semconv.ts';
import { isVconUuid } from '../model/vcon.ts';

/** What a span says of its step when it starts: the inverse of the recorder. */
export type SpanFacts = {
  readonly chain: string;
  /** Absent where the attribute is there but is no uuid (a Python link that returned `True`). */
  readonly vconUuid: string | undefined;
  /** Facts that were concluded by whoever made the span. */
  readonly inferred: readonly string[];
  readonly vconSha256: string | undefined;
} & (
  | { readonly stage: 'chain'; readonly links: readonly string[] | undefined }
  | { readonly stage: 'link'; readonly link: string; readonly linkIndex: number | undefined }
  | { readonly stage: 'storage'; readonly storage: string }
);

/** What a span says of its step when it has ended. */
export interface SpanEnd {
  readonly failed: boolean;
  readonly errorType: string;
  /** What its outcome attribute says, if it has a well-formed one. */
  readonly outcome: string | undefined;
  readonly outVconUuid: string | undefined;
  /** Of this end only: what was concluded of the start holds for it too, except its time. */
  readonly inferred: readonly string[];
  readonly vconSha256: string | undefined;
}

/**
 * Reads a span that has started. A span is ours if its name is one of the conserver's and it carries
 * `chain_name` and `vcon_id` (DESIGN §4); for all others this is undefined, and never an error.
 */
export function readStart(span: ReadableSpan): SpanFacts | undefined {
  const stage = stageOf(span.name);
  if (stage === undefined) return undefined;
  const { attributes } = span;
  const chain = attributes[CONSERVER_ATTR.chainName];
  const vconId = attributes[CONSERVER_ATTR.vconId];
  if (typeof chain !== 'string' || vconId === undefined) return undefined;
  const vconUuid = isVconUuid(vconId) ? vconId : undefined;
  const said = { chain, vconUuid, inferred: inferredOf(attributes), vconSha256: sha256Of(attributes) };
  const name = nameOf(stage, span.name);
  if (stage === 'chain') return { stage, ...said, links: stringsOf(attributes[ATTR.chainLinks]) };
  if (stage === 'storage') return { stage, ...said, storage: name };
  const index = attributes[CONSERVER_ATTR.linkIndex];
  const linkIndex = typeof index === 'number' && Number.isInteger(index) && index >= 0 ? index : undefined;
  return { stage, ...said, link: name, linkIndex };
}

/** Reads a span of ours that has ended. */
export function readEnd(span: ReadableSpan, stage: Stage): SpanEnd {
  const { attributes } = span;
  const failed = span.status.code === SpanStatusCode.ERROR;
  const outcome = stage === 'storage' ? undefined : attributes[OUTCOME_KEY[stage]];
  const outVconUuid = attributes[ATTR.vconOutUuid];
  return {
    failed,
    errorType: failed ? errorTypeOf(span) : '',
    outcome: typeof outcome === 'string' ? outcome : undefined,
    outVconUuid: isVconUuid(outVconUuid) ? outVconUuid : undefined,
    inferred: inferredOf(attributes),
    vconSha256: sha256Of(attributes),
  };
}

const OUTCOME_KEY = { chain: ATTR.chainOutcome, link: ATTR.linkOutcome } as const;

/** Class names and codes only: what other recorders write here can be any text. */
const PLAIN = /^[A-Za-z_$][\w$.]{0,127}$/;

function errorTypeOf(span: ReadableSpan): string {
  const said = span.attributes[ATTR.errorType];
  const type =
    said ?? span.events.find((event) => event.name === 'exception')?.attributes?.['exception.type'];
  return typeof type === 'string' && PLAIN.test(type) ? type : '_OTHER';
}

function inferredOf(attributes: Attributes): readonly string[] {
  const names = stringsOf(attributes[ATTR.inferred]);
  return names === undefined || names.length === 0 ? NOTHING : Object.freeze([...names]);
}

function sha256Of(attributes: Attributes): string | undefined {
  const hash = attributes[ATTR.vconSha256];
  return typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash) ? hash : undefined;
}

const NOTHING: readonly string[] = Object.freeze([]);

function stringsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}
