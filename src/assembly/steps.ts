import type { HrTime } from '@opentelemetry/api';
import type { LinkOutcome } from '../model/event.ts';
import type { StepEnding } from '../model/growing-run.ts';
import { isTimed } from './claimed-times.ts';
import type { RunOutcome } from './ending.ts';
import { lastLink, type RunFacts, type StorageSpan } from './facts.ts';
import { inferredNames } from './inferred.ts';
import { secondsBetween, toHrTime, toMillis } from './times.ts';

/** What is known of a link. */
export interface KnownLink {
  readonly name: string;
  readonly inVconUuid: string;
  readonly start: HrTime;
  readonly ending: StepEnding & { readonly outcome: LinkOutcome };
  /** Neither a span nor a record of it came. */
  readonly isMissing: boolean;
}

/**
 * What is known of a link.
 * @param links those of its chain
 * @param before the uuid as the steps before have left it
 * @param ended what is known of the run that ended with it; undefined where the run went on
 */
export function knownLink(
  facts: RunFacts,
  index: number,
  links: readonly string[],
  before: string,
  ended: RunOutcome | undefined,
): KnownLink {
  const span = facts.links.get(index);
  const record = facts.records.get(index);
  const inVconUuid = record?.before ?? span?.vconUuid ?? before;
  const failed = span?.failed === true;
  const outcome = (failed ? 'error' : (span?.outcome ?? ended?.link ?? 'success')) as LinkOutcome;
  const { start, end } = timesOf(facts, index);
  const isUntimed = !span || !isTimed(span);
  let outVconUuid = inVconUuid;
  let isOutInferred = false;
  if (outcome === 'success' || outcome === 'unknown') {
    const known = record ? record.after : span?.outVconUuid;
    outVconUuid = known ?? (record ? undefined : uuidAfter(facts, index)) ?? inVconUuid;
    isOutInferred = known === undefined;
  }
  const isSaid = failed || span?.outcome !== undefined;
  const isConcluded = !isSaid && ended?.concluded === true && ended.link !== 'success';
  const isMissing = !span && !record;
  return {
    name: span?.name ?? links[index] ?? `link ${index}`,
    inVconUuid,
    start,
    ending: {
      outVconUuid,
      end: toMillis(end),
      duration: secondsBetween(start, end),
      outcome,
      errorType: failed ? (span.errorType ?? '_OTHER') : undefined,
      vconSha256: record?.vconSha256,
      inferred: inferredNames(
        isUntimed && 'time',
        isUntimed && 'duration',
        isOutInferred && 'out_vcon_uuid',
        isConcluded && 'outcome',
        isMissing && 'step',
      ),
    },
    isMissing,
  };
}

/** The uuid that the step after a link began with. */
function uuidAfter(facts: RunFacts, index: number): string | undefined {
  const next = facts.records.get(index + 1)?.before ?? facts.links.get(index + 1)?.vconUuid;
  if (next !== undefined || lastLink(facts) > index) return next;
  return facts.storages.find(({ vconUuid }) => vconUuid !== undefined)?.vconUuid;
}

/** When a link began and ended: as its span says, else between the calls of tracers around it. */
function timesOf(facts: RunFacts, index: number): { start: HrTime; end: HrTime } {
  const span = facts.links.get(index);
  if (span) return { start: span.start, end: span.end };
  const end = endOf(facts, index) ?? startOf(facts, index + 1);
  const start = endOf(facts, index - 1) ?? end ?? facts.chainSpan?.start ?? [0, 0];
  return { start, end: end ?? start };
}

function endOf({ links, records }: RunFacts, index: number): HrTime | undefined {
  const record = records.get(index);
  return links.get(index)?.end ?? (record && toHrTime(record.time));
}

function startOf({ links, records }: RunFacts, index: number): HrTime | undefined {
  const record = records.get(index);
  return links.get(index)?.start ?? (record && toHrTime(record.time));
}

/** How a storage ended, as its span says. @param uuid what it wrote, where the span does not say */
export function storageEnding(span: StorageSpan, uuid: string): StepEnding {
  const { start, end, failed, errorType, vconUuid } = span;
  return {
    outVconUuid: vconUuid ?? uuid,
    end: toMillis(end),
    duration: secondsBetween(start, end),
    outcome: failed ? 'error' : 'success',
    errorType: failed ? (errorType ?? '_OTHER') : undefined,
    inferred: isTimed(span) ? inferredNames() : inferredNames('time', 'duration'),
  };
}
