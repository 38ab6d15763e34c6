import type { ServerFactOf as Of, ServerSpan } from '../../model/server-fact.ts';
import { handsOn, type RunLinks } from './run-links.ts';

/** A link's span has begun, so those before it have ended well. */
export function linkStarts(fact: ServerSpan, links: RunLinks): void {
  links.goOn(fact.vconUuid);
  links.begin(fact.name, fact.index ?? links.begun, fact.start, fact, []);
}

/** A link's span has ended. Its start, and what came before it, may be lost. */
export function linkEnds(fact: Of<'span_end'>, error: string | undefined, links: RunLinks): void {
  if (fact.index !== undefined && fact.index >= links.begun) linkStarts(fact, links);
  const { open } = links;
  if (!open || (open.spanId ?? fact.spanId) !== fact.spanId || open.index !== (fact.index ?? open.index))
    return;
  open.ended = fact.end;
  if (error !== undefined) links.fail(error, fact.end);
  // No tracer can fail the link any more: what it returned says it at once.
  else if (open.returned === false) links.settle('halt', []);
  else if (handsOn(open)) links.settle('success', []);
}

/** A link has returned or raised. Where it has a span, that has still to end. */
export function linkReturned(fact: Of<'after_link'>, links: RunLinks, hasSpan: boolean): void {
  const { link: name, error, returned, time } = fact;
  const link = links.at(links.placeOf(fact), name, links.open?.after ?? time);
  if (!link || link.ended !== undefined) return;
  link.after = time;
  link.returned = returned;
  link.raised = error;
  if (error !== undefined && !hasSpan) links.fail(error, time);
}
