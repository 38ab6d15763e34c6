import { randomBytes } from 'node:crypto';
import type { ChainEvent } from '../src/index.ts';
import { uuidOf } from './measure.ts';

const LINKS: readonly string[] = Object.freeze(['transcribe', 'diarize', 'analyze', 'tag', 'summarize']);
const STORAGES = ['postgres', 's3'];
const NOTHING: readonly string[] = Object.freeze([]);
/** Runs whose events are mixed: what a busy conserver has under way. */
const UNDER_WAY = 400;

type Step = Pick<ChainEvent, 'stage' | 'phase' | 'link' | 'linkIndex' | 'storage'> & { readonly id: string };

const PHASES = ['start', 'complete'] as const;
const NEITHER = { link: undefined, linkIndex: undefined, storage: undefined };
const STEPS: readonly Step[] = [
  { stage: 'chain', phase: 'start', id: 'chain/start', ...NEITHER },
  ...LINKS.flatMap((link, linkIndex) =>
    PHASES.map(
      (phase): Step => ({
        ...NEITHER,
        stage: 'link',
        phase,
        id: `link/${linkIndex}/${phase}`,
        link,
        linkIndex,
      }),
    ),
  ),
  ...STORAGES.flatMap((storage) =>
    PHASES.map(
      (phase): Step => ({ ...NEITHER, stage: 'storage', phase, id: `storage/${storage}/${phase}`, storage }),
    ),
  ),
  { stage: 'chain', phase: 'complete', id: 'chain/complete', ...NEITHER },
];

/** Events of each run of {@link chainEvents}. */
export const EVENTS_PER_RUN = STEPS.length;
/** Calls that a tracer hears of each: `trace` for every event, `run` at the start, after each link, at the end. */
export const CALLS_PER_RUN = STEPS.length + LINKS.length + 2;

interface Run {
  readonly id: string;
  readonly uuid: string;
  readonly traceId: string;
  readonly chainSpan: string;
  span: string;
  step: number;
}

/** Events as the bridge makes them: hundreds of runs under way, one's events between the others', each run's in order. */
export function* chainEvents(runs: number): Generator<ChainEvent, void, undefined> {
  let begun = 0;
  const underWay: Run[] = [];
  while (begun < Math.min(runs, UNDER_WAY)) underWay.push(begin(begun++));
  while (underWay.length > 0) {
    const place = Math.floor(Math.random() * underWay.length);
    const run = underWay[place];
    const step = STEPS[run?.step ?? 0];
    if (!run || !step) return;
    yield eventOf(run, step);
    run.step += 1;
    if (run.step < STEPS.length) continue;
    const last = underWay.pop();
    if (begun < runs) underWay.push(begin(begun++));
    if (last && last !== run) underWay[place] = last;
  }
}

function begin(number: number): Run {
  const id = hex(8);
  return { id, uuid: uuidOf(number), traceId: hex(16), chainSpan: id, span: id, step: 0 };
}

function eventOf(run: Run, { id, stage, phase, link, linkIndex, storage }: Step): ChainEvent {
  const ended = phase === 'complete';
  if (!ended && stage !== 'chain') run.span = hex(8);
  const spanId = stage === 'chain' ? run.chainSpan : run.span;
  return Object.freeze({
    eventId: `${run.id}/${id}`,
    runId: run.id,
    stage,
    phase,
    chain: 'main',
    links: LINKS,
    link,
    linkIndex,
    storage,
    inVconUuid: run.uuid,
    outVconUuid: run.uuid,
    outcome: ended ? (stage === 'chain' ? 'complete' : 'success') : undefined,
    errorType: undefined,
    time: Date.now() + Math.random(),
    duration: ended ? Math.random() : undefined,
    spanContext: Object.freeze({ traceId: run.traceId, spanId, traceFlags: 1 }),
    vconSha256: undefined,
    inferred: NOTHING,
  });
}

function hex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
