import type { RecordFact, SpanFact } from '../model/fact.ts';
import type { GrowingRun } from '../model/growing-run.ts';
import { addSpan, copyOf, type RunFacts, spanCount, withFacts, withRecord } from './facts.ts';
import type { Statement } from './statement.ts';

/** How a run is called, and where it comes from. */
export interface RunNames {
  /** What its events are called by, once and for all. */
  readonly id: string;
  /** The chain span's id, as far as it is known. */
  readonly rootSpanId: string | undefined;
  readonly traceId: string;
  /** Absent as long as nothing says it. */
  readonly chain: string | undefined;
}

/** A run by its names and by what has been heard of it. */
export interface HeardRun extends RunNames {
  readonly facts: RunFacts;
  /** Its chain span says that nobody listened while it ran. */
  readonly isGapped: boolean;
  /** The ids on its records have turned out to be another run's. */
  readonly isMisled: boolean;
}

/** A run that is not over. Its owner, `OpenRuns`, changes it. */
export interface OpenRun extends HeardRun {
  /** When something was last heard of it, on the clock's `elapsed`. */
  readonly news: number;
  /** Who sent that. */
  readonly sender?: string | undefined;
  /** What was emitted of it. */
  readonly emitted: GrowingRun | undefined;
  /** The run that it has turned out to be a part of; then it is open no more. */
  readonly partOf: OpenRun | undefined;
}

/** A run that is not over, as it is written down. */
export interface KeptRun extends HeardRun {
  /** Uuids that the vCon is known to have had in it, beside those of facts that turned out to be another's. */
  readonly uuids: readonly string[];
  /** Something came of it that does not say what the vCon was called. */
  readonly isNameless: boolean;
  /** Who sent what was last heard of it. */
  readonly sender?: string | undefined;
  /** What was emitted of it. */
  readonly emitted: readonly Statement[];
}

/** A run of which one more span was heard. @param root the chain span's id, as the span has it */
export function hearSpan<Run extends HeardRun>(
  run: Run,
  span: SpanFact,
  root: string | undefined,
): { readonly run: Run; readonly strays: readonly SpanFact[] } {
  const heard = { ...run, facts: copyOf(run.facts) };
  return { run: heard, strays: takeSpan(heard, span, root) };
}

/** The same, of a run whose facts are its own. @returns the strays */
export function takeSpan(run: HeardRun, span: SpanFact, root: string | undefined): readonly SpanFact[] {
  const own: { -readonly [Key in keyof HeardRun]: HeardRun[Key] } = run;
  // What records say of the chain is a hint only.
  if (spanCount(run.facts) === 0) own.chain = span.chain;
  own.rootSpanId ??= root;
  return addSpan(run.facts, span);
}

/** A run of which one more record was heard. */
export function hearRecord<Run extends HeardRun>(
  run: Run,
  record: RecordFact,
  root: string | undefined,
): Run {
  return { ...run, facts: withRecord(run.facts, record), rootSpanId: run.rootSpanId ?? root };
}

/** A run that another has turned out to be a part of. */
export function united<Run extends HeardRun>(whole: Run, part: HeardRun): Run {
  const isNamed = spanCount(whole.facts) > 0 || spanCount(part.facts) === 0;
  return {
    ...whole,
    facts: withFacts(whole.facts, part.facts),
    chain: isNamed ? whole.chain : part.chain,
    rootSpanId: whole.rootSpanId ?? part.rootSpanId,
    isGapped: whole.isGapped || part.isGapped,
  };
}

/** A run as it is when the ids on its records have turned out to be another's: then so may be its chain. */
export function withoutIds<Run extends HeardRun>(run: Run): Run {
  return { ...run, rootSpanId: undefined, chain: undefined, isMisled: true };
}
