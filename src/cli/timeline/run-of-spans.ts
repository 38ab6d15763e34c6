import type { ChainOutcome } from '../../model/event.ts';
import { eventIdEndings } from '../../model/event-id.ts';
import { millisOf } from '../../model/nanoseconds.ts';
import type { Run, RunStep } from '../../model/run.ts';
import { outcomeOf } from '../../model/span-codec.ts';
import type { SpanFacts } from '../../model/span-facts.ts';
import { type TraceSpan, toSeconds } from './trace-span.ts';

type ChainFacts = Extract<SpanFacts, { stage: 'chain' }>;
/** The span of a link or storage. */
type StageSpan = TraceSpan & { readonly facts: Exclude<SpanFacts, { stage: 'chain' }> };

/**
 * The run that spans tell of, with what can be concluded where they do not say it.
 * @param head the chain span, or the first step where that never came
 * @param steps links and storages in order of start
 */
export function runOfSpans(runId: string, head: TraceSpan, steps: readonly TraceSpan[]): Run {
  const chain = head.facts?.stage === 'chain' ? head.facts : undefined;
  const ours = steps.filter(isStep);
  const failed = ours.find(({ facts }) => facts.stage === 'link' && facts.failed)?.facts;
  const written = writtenOutcome(chain, failed);
  const outcome = written ?? concludedOutcome(head, ours);
  const endIsWrong = !chain || (chain.undecided && steps.length > 0);
  const end = endIsWrong
    ? steps.reduce((latest, step) => (step.end > latest ? step.end : latest), 0n)
    : head.end;
  const inVconUuid = head.facts?.vconUuid;
  const outVconUuid = chain?.outVconUuid ?? leftBy(ours, ours.length - 1) ?? inVconUuid;
  return {
    runId,
    spanContext: { traceId: head.traceId, spanId: runId, traceFlags: 1 },
    chain: head.facts?.chain ?? '?',
    links: chain?.links ?? [],
    phase: chain ? (outcome === 'error' ? 'error' : 'complete') : 'start',
    inVconUuid,
    outVconUuid,
    start: millisOf(head.start),
    end: millisOf(end),
    duration: toSeconds(end - head.start),
    outcome,
    errorType: outcome === 'error' ? (failed ?? head.facts)?.errorType : undefined,
    vconSha256: chain?.vconSha256,
    queuedBy: chain?.queuedBy ?? [],
    steps: stepsOf(ours, outcome),
    inferred: [
      ...(chain?.inferred ?? []),
      ...(outcome && !written ? ['outcome'] : []),
      ...(endIsWrong ? ['duration'] : []),
      ...(outVconUuid !== undefined && chain?.outVconUuid === undefined ? ['out_vcon_uuid'] : []),
    ],
  };
}

function isStep(span: TraceSpan): span is StageSpan {
  return span.facts !== undefined && span.facts.stage !== 'chain';
}

/** DESIGN §4: a run failed when its chain span or any of its links has ERROR. */
function writtenOutcome(
  chain: ChainFacts | undefined,
  failed: SpanFacts | undefined,
): ChainOutcome | undefined {
  if (failed || chain?.failed) return 'error';
  return chain?.outcome === undefined ? undefined : outcomeOf(chain, 'chain');
}

function concludedOutcome(
  { facts: chain, ofServer }: TraceSpan,
  steps: readonly StageSpan[],
): ChainOutcome | undefined {
  if (steps.some(({ facts }) => facts.outcome === 'halt')) return 'halted';
  if (chain?.stage !== 'chain') return undefined;
  const hasStored = steps.some(({ facts }) => facts.stage === 'storage');
  // The Python conserver marks a halt with nothing; storages are written when all links have succeeded.
  return ofServer && !hasStored ? 'unknown' : outcomeOf(chain, 'chain');
}

/** How a step ended: of the last link of the Python conserver, with nothing after it, nobody knows whether it halted. */
function stepOutcome(span: StageSpan, isLast: boolean, run: ChainOutcome | undefined): RunStep['outcome'] {
  const { facts, ofServer } = span;
  const isUnsaid = ofServer && facts.stage === 'link' && !facts.failed && facts.outcome === undefined;
  const isOpen = isLast && (run === undefined || run === 'unknown');
  return isUnsaid && isOpen ? 'unknown' : outcomeOf(facts, facts.stage);
}

/** The uuid that left a step: as it says, else what entered the next one, else what entered it. */
function leftBy(steps: readonly StageSpan[], index: number): string | undefined {
  const step = steps[index]?.facts;
  return step?.outVconUuid ?? steps[index + 1]?.facts.vconUuid ?? step?.vconUuid;
}

function stepsOf(spans: readonly StageSpan[], run: ChainOutcome | undefined): RunStep[] {
  const storages = new Map<string, number>();
  let links = 0;
  return spans.map((span, place) => {
    const { facts, traceId, spanId, start, end } = span;
    const { stage, name } = facts;
    const index = stage === 'link' ? facts.index : undefined;
    const before = storages.get(name) ?? 0;
    if (stage === 'storage') storages.set(name, before + 1);
    else links += 1;
    return {
      stage,
      name,
      index,
      eventIds: stage === 'link' ? eventIdEndings(index ?? links - 1) : eventIdEndings(name, before),
      spanContext: { traceId, spanId, traceFlags: 1 },
      phase: facts.failed ? 'error' : 'complete',
      inVconUuid: facts.vconUuid,
      outVconUuid: leftBy(spans, place),
      start: millisOf(start),
      end: millisOf(end),
      duration: toSeconds(end - start),
      outcome: stepOutcome(span, place === spans.length - 1, run),
      errorType: facts.errorType,
      vconSha256: facts.vconSha256,
      inferred: facts.inferred,
    };
  });
}
