import fc from 'fast-check';
import { chainEvent } from '../../src/model/chain-event.ts';
import type { ChainEvent, LinkOutcome } from '../../src/model/event.ts';
import { GrowingRun, type GrowingStep } from '../../src/model/growing-run.ts';

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
const uuid = fc.uuid();
const time = fc.integer({ min: 1, max: 1_000 });
const errorType = fc.constantFrom('ValueError', 'requests.Timeout', 'ECONNREFUSED', '_OTHER');
const sha256 = fc.option(fc.stringMatching(/^[0-9a-f]{64}$/), { nil: undefined });
const names = (...known: string[]) => fc.subarray(known).map((list) => Object.freeze(list));

const step = fc.record({
  name,
  takes: time,
  ends: fc.boolean(),
  outcome: fc.constantFrom<LinkOutcome>('success', 'halt', 'error', 'unknown'),
  uuid,
  errorType,
  startSha: sha256,
  endSha: sha256,
  started: names('time', 'span'),
  ended: names('out_vcon_uuid', 'outcome', 'duration'),
});

const plan = fc.record({
  chain: name,
  links: fc.array(step, { maxLength: 4 }),
  storages: fc.array(step, { maxLength: 3 }),
  uuid,
  outcome: fc.constantFrom('complete', 'halted', 'error', 'unknown', 'lost', 'open'),
  errorType,
  startSha: sha256,
  endSha: sha256,
  started: names('links', 'vcon_uuid'),
  ended: names('outcome'),
});

type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;
type StepPlan = Plan['links'][number];

/** A run that grew in some way, and the events that told of it. */
export const randomRun: fc.Arbitrary<{ readonly run: GrowingRun; readonly events: readonly ChainEvent[] }> =
  plan.map(grow);

/** The events of a run in their order. */
export const randomEvents = randomRun.map(({ events }) => events);

const START = Date.UTC(2026, 0, 31, 12);

function grow(planned: Plan) {
  let now = START;
  let last = 0;
  const context = () => ({
    traceId: 'a'.repeat(32),
    spanId: (++last).toString(16).padStart(16, '0'),
    traceFlags: 1,
  });
  const spanContext = context();
  const run = new GrowingRun({
    runId: spanContext.spanId,
    spanContext,
    chain: planned.chain,
    links: Object.freeze(planned.links.map((link) => link.name)),
    inVconUuid: planned.uuid,
    start: now,
    vconSha256: planned.startSha,
    inferred: planned.started,
  });
  const events = [chainEvent(run)];
  const begin = (stage: 'link' | 'storage', of: StepPlan, index?: number): GrowingStep => {
    const begun = run.beginStep({
      stage,
      name: of.name,
      index,
      spanContext: context(),
      inVconUuid: run.outVconUuid,
      start: now,
      vconSha256: of.startSha,
      inferred: of.started,
    });
    events.push(chainEvent(run, begun));
    return begun;
  };
  const end = (begun: GrowingStep, of: StepPlan): void => {
    if (!of.ends) return;
    now += of.takes;
    const isLink = begun.stage === 'link';
    const outcome = isLink || of.outcome === 'error' ? of.outcome : 'success';
    const goesOn = isLink && (outcome === 'success' || outcome === 'unknown');
    run.endStep(begun, {
      outVconUuid: goesOn ? of.uuid : begun.inVconUuid,
      end: now,
      duration: secondsSince(begun.start, now),
      outcome,
      errorType: outcome === 'error' ? of.errorType : undefined,
      vconSha256: of.endSha,
      inferred: of.ended,
    });
    events.push(chainEvent(run, begun));
  };
  for (const [index, link] of planned.links.entries()) end(begin('link', link, index), link);
  // At the same time.
  const storages = planned.storages.map((storage) => [begin('storage', storage), storage] as const);
  for (const [begun, storage] of storages) end(begun, storage);
  if (planned.outcome === 'open') return { run, events };
  now += 1;
  const lost = planned.outcome === 'lost';
  const outcome = planned.outcome === 'lost' ? 'unknown' : planned.outcome;
  run.finish({
    outVconUuid: run.outVconUuid,
    end: now,
    duration: secondsSince(run.start, now),
    outcome,
    errorType: outcome === 'error' ? planned.errorType : undefined,
    vconSha256: planned.endSha,
    inferred: planned.ended,
    lost,
  });
  events.push(chainEvent(run));
  return { run, events };
}

/** As an SDK has it: seconds and nanoseconds, which come to the same double everywhere. */
function secondsSince(from: number, to: number): number {
  const milliseconds = to - from;
  const seconds = Math.floor(milliseconds / 1e3);
  return seconds + ((milliseconds - seconds * 1e3) * 1e6) / 1e9;
}
