import { calledEvent, chainEvent } from '../model/chain-event.ts';
import type { ChainEvent } from '../model/event.ts';
import { GrowingRun, type GrowingStep } from '../model/growing-run.ts';
import type { Run, RunStep } from '../model/run.ts';
import type { Sent } from '../model/sent.ts';
import type { Statement } from './statement.ts';

/**
 * Makes the events of statements about a run.
 * @param run what has been stated before; undefined where the run begins with the first of them
 * @param hear gets each event
 * @param from who sent what they are known by; undefined: as the run has it
 */
export function emit(
  run: GrowingRun | undefined,
  statements: readonly Statement[],
  hear: (event: ChainEvent) => void = () => {},
  from?: Sent,
): GrowingRun | undefined {
  let emitted = run;
  for (const statement of statements) {
    if (statement.kind === 'run_begins') emitted = new GrowingRun(statement.start);
    if (!emitted) return undefined;
    if (from) emitted.hear(from);
    const step = state(emitted, statement);
    const isCalled = step && statement.kind === 'step_called';
    hear(isCalled ? calledEvent(emitted, step, statement.call) : chainEvent(emitted, step));
  }
  return emitted;
}

/** What a run is by statements that were made about it before: no event is made of them. */
export function stated([first, ...rest]: readonly Statement[]): GrowingRun | undefined {
  if (first?.kind !== 'run_begins') return undefined;
  const run = new GrowingRun(first.start);
  for (const statement of rest) state(run, statement);
  return run;
}

/** @returns the step that it is about, if it is about one */
function state(run: GrowingRun, statement: Statement): GrowingStep | undefined {
  if (statement.kind === 'step_begins') return run.beginStep(statement.start);
  if (statement.kind === 'run_ends') run.finish(statement.ending);
  if (statement.kind !== 'step_ends' && statement.kind !== 'step_called') return undefined;
  const step = openStep(run, statement.spanId);
  if (step && statement.kind === 'step_called') run.callStep(step, statement.call);
  if (step && statement.kind === 'step_ends') run.endStep(step, statement.ending);
  return step;
}

/** The last step that has begun and not ended under a span. */
function openStep({ steps }: GrowingRun, spanId: string): GrowingStep | undefined {
  for (let i = steps.length - 1; i >= 0; i -= 1) {
    const step = steps[i];
    if (step?.phase === 'start' && step.spanContext.spanId === spanId) return step;
  }
  return undefined;
}

/** The statements that made a run what it is. What was concluded about the start of a step counts for its end as well. */
export function statementsOf(run: Run): Statement[] {
  const { runId, spanContext, chain, links, start, inferred, queuedBy, vconSha256, sender } = run;
  const { inVconUuid = '' } = run;
  return [
    {
      kind: 'run_begins',
      start: { runId, spanContext, chain, links, start, inferred, inVconUuid, vconSha256, queuedBy, sender },
    },
    ...run.steps.flatMap(stepStatements),
  ];
}

function stepStatements(step: RunStep): Statement[] {
  const { stage, name, index = 0, spanContext, start, end, duration, outcome, errorType, inferred } = step;
  const { vconSha256, inVconUuid = '', outVconUuid = inVconUuid, called } = step;
  const known = { name, spanContext, start, inferred, inVconUuid };
  const begins: Statement = {
    kind: 'step_begins',
    start: stage === 'link' ? { stage, index, ...known } : { stage, ...known },
  };
  const calls: Statement[] = called
    ? [{ kind: 'step_called', spanId: spanContext.spanId, call: called }]
    : [];
  if (end === undefined || duration === undefined || outcome === undefined) return [begins, ...calls];
  const ending = { outVconUuid, end, duration, outcome, errorType, vconSha256, inferred };
  return [begins, ...calls, { kind: 'step_ends', spanId: spanContext.spanId, ending }];
}
