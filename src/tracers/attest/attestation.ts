import { hash } from 'node:crypto';
import type { EventContext } from '../../model/tracer.ts';
import { documentOf, type KeyedDigests, type TakenAt } from './keyed-digests.ts';
import { attestedName, type Descriptor, type LinkStatement, statementOf } from './statement.ts';

/** The document as it is known to have entered a step, by its digest. */
export interface Entered {
  readonly digest: string;
  readonly taken: TakenAt;
}

/**
 * What is said of a step that has ended, or of a chain. The same event says the same, unless the key of its vCon is destroyed in between.
 * @param entered the document that it was given, where that was hashed then
 */
export async function attestation(
  event: EventContext,
  entered: Entered | undefined,
  digests: KeyedDigests,
): Promise<LinkStatement> {
  const { inVconUuid, outVconUuid, vconSha256, runId } = event;
  const before = await digests.vcon(inVconUuid);
  const after = outVconUuid === inVconUuid ? before : await digests.vcon(outVconUuid);
  const left = vconSha256 === undefined ? undefined : await digests.document(outVconUuid, vconSha256);
  const subject = present(after, after && documentOf(left));
  const materials = present(before, before && entered && documentOf(entered.digest, entered.taken));
  // A statement has to be about something, and of a vCon whose key is destroyed there is no more to say.
  const run: Descriptor = { name: 'run', digest: { sha256: hash('sha256', runId, 'hex') } };
  return statementOf(subject.length > 0 ? subject : [run], {
    name: nameOf(event),
    command: [],
    materials,
    byproducts: outcomeOf(event),
    environment: placeOf(event),
  });
}

function nameOf({ chain, links, link, linkIndex }: EventContext): string {
  if (linkIndex === undefined) return chain;
  return links[linkIndex] === undefined ? (link ?? '') : attestedName(links, linkIndex);
}

function outcomeOf(event: EventContext): LinkStatement['predicate']['byproducts'] {
  const { outcome = 'unknown', errorType, time, duration, inferred } = event;
  return {
    outcome,
    ...(errorType === undefined ? {} : { error_type: errorType }),
    ...(duration === undefined ? {} : { started: new Date(time - duration * 1e3).toISOString() }),
    ended: new Date(time).toISOString(),
    ...(inferred.length === 0 ? {} : { inferred: [...inferred] }),
  };
}

function placeOf(event: EventContext): LinkStatement['predicate']['environment'] {
  const { stage, chain, links, linkIndex, runId, eventId, spanContext, sender } = event;
  return {
    stage: stage === 'link' ? 'link' : 'chain',
    chain,
    links: [...links],
    ...(linkIndex === undefined ? {} : { index: linkIndex }),
    run_id: runId,
    event_id: eventId,
    trace_id: spanContext.traceId,
    span_id: spanContext.spanId,
    ...(sender === undefined ? {} : { sender }),
  };
}

function present(...found: readonly (Descriptor | undefined)[]): Descriptor[] {
  return found.filter((descriptor) => descriptor !== undefined);
}
