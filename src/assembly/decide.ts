import { type HrTime, TraceFlags } from '@opentelemetry/api';
import type { GrowingRun, RunStart, StepStart } from '../model/growing-run.ts';
import { union } from '../model/inferred.ts';
import type { Run, RunStep } from '../model/run.ts';
import { isTimed } from './claimed-times.ts';
import type { ConfiguredChain } from './configured-chains.ts';
import { endingOf, type RunOutcome, runOutcome } from './ending.ts';
import {
  enteringUuid,
  firstTime,
  type Known,
  lastLink,
  linksOf,
  type RunFacts,
  type StorageSpan,
} from './facts.ts';
import { spanIdOf } from './ids.ts';
import { inferredNames } from './inferred.ts';
import type { Statement } from './statement.ts';
import { type KnownLink, knownLink, storageEnding } from './steps.ts';
import { compareTimes, toHrTime, toMillis } from './times.ts';

/** A run, and all that is known of it. */
export interface KnownRun {
  /** What its events are called by, once and for all. */
  readonly id: string;
  /** The chain span's id, as far as it is known. */
  readonly rootSpanId: string | undefined;
  readonly traceId: string;
  /** Absent where nothing says it. */
  readonly chain: string | undefined;
  readonly facts: RunFacts;
  /** What the server's configuration says of the chain. */
  readonly configured: ConfiguredChain | undefined;
  /** Nobody records spans of this run: its events say so (`inferred` has `span`). */
  readonly isUnrecorded: boolean;
  /** Spans of it may have been lost, since nobody listened while it ran. */
  readonly isGapped: boolean;
  /** What its events have called it, if it is to go by that. */
  readonly called?: Pick<Run, 'chain' | 'links' | 'inferred'>;
}

/**
 * How much of a run is stated.
 * - `certain`: what records say, up to the first link of which no record has come. How the last of them ended is not
 *   certain before the next: it may have halted the chain, or a later tracer may fail it
 * - `asked`: up to the last record, whose `run` call somebody waits for; what lies before it and did not come is concluded
 * - `over`: all of it; its end was heard, or nothing more is to be expected
 * - `given_up`: all of it, although no end was heard
 */
export type Extent = 'certain' | 'asked' | 'over' | 'given_up';

export interface Decision {
  /** In order. */
  readonly statements: readonly Statement[];
  /** Links among them of which nothing came. */
  readonly missing: number;
}

const NOTHING: Decision = { statements: [], missing: 0 };

/**
 * Decides what may be stated about a run now, and how certain it is.
 * @param emitted what has been stated so far; undefined where nothing has
 */
export function decide(run: KnownRun, extent: Extent, emitted?: GrowingRun): Decision {
  const { facts } = run;
  if (!emitted && extent === 'certain' && !facts.records.has(-1)) return NOTHING;
  const begun = emitted ?? beginning(run);
  if (!begun) return NOTHING;
  const begins: Statement[] = emitted ? [] : [{ kind: 'run_begins', start: begun }];
  if (extent === 'certain' || extent === 'asked') {
    const open = lastRecorded(facts, extent, emitted);
    const { statements, missing } = linkStatements(run, begun, emitted, { last: open - 1, open });
    const calls = extent === 'asked' ? callStatements(run, statements, emitted) : [];
    return { statements: [...begins, ...statements, ...calls], missing };
  }
  const links = { value: begun.links, inferred: begun.inferred.includes('links') };
  const outcome = runOutcome(facts, { ...run, links, isGivenUp: extent === 'given_up' });
  const last = lastRun(facts, links);
  const { statements, missing, uuid } = linkStatements(run, begun, emitted, { last, outcome });
  const ends: Statement = { kind: 'run_ends', ending: endingOf(facts, uuid, outcome) };
  return { statements: [...begins, ...statements, ...storageStatements(run, uuid), ends], missing };
}

/** A chain whose name nothing says. */
const UNKNOWN = 'unknown';

/** @returns undefined where no fact names the vCon: then nothing can be stated */
function beginning(run: KnownRun): RunStart | undefined {
  const { id, facts, configured, called } = run;
  const entering = enteringUuid(facts);
  if (!entering) return undefined;
  const links = called
    ? { value: called.links, inferred: called.inferred.includes('links') }
    : linksOf(facts, configured?.links);
  return {
    runId: id,
    spanContext: contextOf(run, id),
    chain: called?.chain ?? run.chain ?? UNKNOWN,
    links: frozen(links.value),
    inVconUuid: entering.value,
    start: toMillis(facts.chainSpan?.start ?? firstTime(facts)),
    vconSha256: facts.records.get(-1)?.vconSha256,
    queuedBy: facts.chainSpan?.queuedBy ?? [],
    inferred: inferredNames(
      entering.inferred && 'vcon_uuid',
      links.inferred && 'links',
      (!facts.chainSpan || !isTimed(facts.chainSpan)) && 'time',
      run.chain === undefined && 'chain',
      (called?.inferred.includes('span') ?? run.isUnrecorded) && 'span',
    ),
  };
}

/** The same list for the same one: what is configured is shared by the events of all runs. */
function frozen(links: readonly string[]): readonly string[] {
  const known = FROZEN.get(links) ?? Object.freeze([...links]);
  FROZEN.set(links, known);
  return known;
}

const FROZEN = new WeakMap<readonly string[], readonly string[]>();

/** The last link that records say has begun: the call before the first one is made inside it. */
function lastRecorded(
  { records }: RunFacts,
  extent: 'certain' | 'asked',
  emitted: GrowingRun | undefined,
): number {
  if (extent === 'asked') return Math.max(0, ...records.keys());
  let next = progressOf(emitted).next;
  while (records.has(next)) next += 1;
  return Math.max(0, next - 1);
}

/** The last link that ran, as far as that is known: storages are written when all have. */
function lastRun(facts: RunFacts, links: Known<readonly string[]>): number {
  const last = lastLink(facts);
  return facts.storages.length > 0 && !links.inferred ? Math.max(last, links.value.length - 1) : last;
}

/** The call that somebody waits for: that of the last record, of a link which has begun and is not known to have ended. */
function callStatements(
  { facts }: KnownRun,
  statements: readonly Statement[],
  emitted: GrowingRun | undefined,
): Statement[] {
  const index = Math.max(...facts.records.keys());
  const record = facts.records.get(index);
  const begun = statements.at(-1);
  const step = begun?.kind === 'step_begins' ? begun.start : progressOf(emitted).open;
  if (!record || step?.index !== index || ('called' in step && step.called)) return [];
  const { before = step.inVconUuid ?? '', after = before, vconSha256 } = record;
  const time = toMillis(toHrTime(record.time));
  const inferred = union(step.inferred, inferredNames(!isTimed(record) && 'time'));
  const call = { outVconUuid: after, time, vconSha256, inferred };
  return [{ kind: 'step_called', spanId: step.spanContext.spanId, call }];
}

/** The link that ends next, and its step if that has begun. Nothing is stated about storages before the end. */
function progressOf(emitted: GrowingRun | undefined): {
  readonly next: number;
  readonly open: RunStep | undefined;
} {
  const { length, [length - 1]: last } = emitted?.steps ?? [];
  return last?.phase === 'start' ? { next: length - 1, open: last } : { next: length, open: undefined };
}

/** How far the links have got. */
interface Progress {
  /** The last link that has ended. */
  readonly last: number;
  /** The one that has begun after it. */
  readonly open?: number;
  /** What is known of the run that the last one ended, and so of that. */
  readonly outcome?: RunOutcome;
}

/**
 * The statements about links.
 * @returns with it, the uuid as they have left it
 */
function linkStatements(
  run: KnownRun,
  begun: Pick<RunStart, 'links' | 'inVconUuid' | 'inferred'>,
  emitted: GrowingRun | undefined,
  { last, open: opens, outcome }: Progress,
) {
  const statements: Statement[] = [];
  let missing = 0;
  let uuid = emitted?.outVconUuid ?? begun.inVconUuid;
  let { next, open }: { next: number; open: Begun | undefined } = progressOf(emitted);
  const isUnrecorded = begun.inferred.includes('span');
  const begin = (link: KnownLink): Begun => {
    const start = linkStart(run, next, link, isUnrecorded);
    statements.push({ kind: 'step_begins', start });
    return start;
  };
  for (; next <= last; next += 1) {
    const link = knownLink(run.facts, next, begun.links, uuid, next === last ? outcome : undefined);
    if (link.isMissing) missing += 1;
    const { spanContext, inVconUuid = link.inVconUuid } = open ?? begin(link);
    // The next step begins with what this one is stated to have left.
    const { outcome: how } = link.ending;
    uuid = how === 'success' || how === 'unknown' ? link.ending.outVconUuid : inVconUuid;
    const ending = uuid === link.ending.outVconUuid ? link.ending : { ...link.ending, outVconUuid: uuid };
    statements.push({ kind: 'step_ends', spanId: spanContext.spanId, ending });
    open = undefined;
  }
  if (next === opens && !open && next < begun.links.length)
    begin(knownLink(run.facts, next, begun.links, uuid, undefined));
  return { statements, missing, uuid };
}

type Begun = Pick<RunStep, 'spanContext' | 'inVconUuid'>;

function linkStart(
  run: KnownRun,
  index: number,
  { name, inVconUuid, start, isMissing }: KnownLink,
  isUnrecorded: boolean,
): StepStart {
  const { links, records } = run.facts;
  const span = links.get(index);
  return {
    stage: 'link',
    name,
    index,
    spanContext: contextOf(run, linkSpanId(run, index)),
    inVconUuid,
    start: toMillis(start),
    inferred: inferredNames(
      (!span || !isTimed(span)) && 'time',
      isMissing && !(index === 0 && records.has(-1)) && 'step',
      isUnrecorded && 'span',
    ),
  };
}

/** In the order of the clock, since they may have been written side by side. */
function storageStatements(run: KnownRun, uuid: string): Statement[] {
  const { storages, records } = run.facts;
  // It is the document as the last link has left it.
  const vconSha256 = records.get(lastLink(run.facts))?.vconSha256;
  const begins = (span: StorageSpan): Statement => ({
    kind: 'step_begins',
    start: {
      stage: 'storage',
      name: span.name,
      spanContext: contextOf(run, span.spanId),
      inVconUuid: span.vconUuid ?? uuid,
      start: toMillis(span.start),
      vconSha256,
      inferred: inferredNames(!isTimed(span) && 'time'),
    },
  });
  const ends = (span: StorageSpan): Statement => ({
    kind: 'step_ends',
    spanId: span.spanId,
    ending: { ...storageEnding(span, uuid), vconSha256 },
  });
  const moments: { readonly at: HrTime; readonly span: StorageSpan; readonly isEnd: boolean }[] = [];
  for (const span of storages) {
    // One whose clock was set back in the middle ends before it starts.
    const begun = compareTimes(span.start, span.end) > 0 ? span.end : span.start;
    moments.push({ at: begun, span, isEnd: false }, { at: span.end, span, isEnd: true });
  }
  moments.sort((a, b) => compareTimes(a.at, b.at) || Number(a.isEnd) - Number(b.isEnd));
  return moments.map(({ span, isEnd }) => (isEnd ? ends(span) : begins(span)));
}

/** That of its span; where that is not known, of a record made inside it; else one of our own. */
function linkSpanId({ id, rootSpanId, facts }: KnownRun, index: number): string {
  const span = facts.links.get(index);
  if (span) return span.spanId;
  const record = facts.records.get(index) ?? (index === 0 ? facts.records.get(-1) : undefined);
  const isTrue = record?.rootSpanId !== undefined && record.rootSpanId === rootSpanId;
  return (isTrue ? record.spanId : undefined) ?? spanIdOf(id, 'link', index);
}

function contextOf({ traceId }: KnownRun, spanId: string) {
  return Object.freeze({ traceId, spanId, traceFlags: TraceFlags.SAMPLED });
}
