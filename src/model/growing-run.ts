import type { SpanContext } from '@opentelemetry/api';
import type { ChainEvent, ChainOutcome, LinkOutcome, StorageOutcome } from './event.ts';
import { eventIdEndings } from './event-id.ts';
import { union, withoutTime } from './inferred.ts';
import type { Run, RunStep, StepCall } from './run.ts';
import type { Sent } from './sent.ts';

/** What is known of a run when it begins. Lists that are handed in are shared with events: nobody may change them. */
export interface RunStart
  extends Pick<Run, 'runId' | 'chain' | 'links' | 'spanContext' | 'start' | 'inferred'> {
  readonly inVconUuid: string;
  readonly vconSha256?: string | undefined;
  readonly queuedBy?: readonly SpanContext[];
  readonly sender?: string | undefined;
  /** False: steps are looked after and not kept, so that `steps` stays empty. Default true. */
  readonly keepsSteps?: boolean;
}

/** What is known of a step when it begins. */
export interface StepStart extends Pick<RunStep, 'stage' | 'name' | 'spanContext' | 'start' | 'inferred'> {
  /** Of a link. */
  readonly index?: number | undefined;
  readonly inVconUuid: string;
  readonly vconSha256?: string | undefined;
}

interface Ending<Outcome> {
  /** What left it. */
  readonly outVconUuid: string;
  /** Milliseconds since the Unix epoch. */
  readonly end: number;
  /** Seconds. */
  readonly duration: number;
  readonly outcome: Outcome;
  /** Where the outcome is `error`. */
  readonly errorType: string | undefined;
  readonly vconSha256?: string | undefined;
  /** Of this end only: what was concluded of the start holds for it too, except its time. */
  readonly inferred: readonly string[];
}

/** How a step ended. */
export type StepEnding = Ending<LinkOutcome | StorageOutcome>;

/** How a run ended. */
export interface RunEnding extends Ending<ChainOutcome> {
  /** Its end cannot be known: not even whether it was without error. */
  readonly lost?: boolean;
}

/** A step whose uuids are known, as it has to be for events of it. */
export type GrowingStep = RunStep & Uuids;

interface Uuids {
  readonly inVconUuid: string;
  readonly outVconUuid: string;
}

/** Steps that a run keeps; what comes beyond is looked after and forgotten. */
const MAX_STEPS = 2_000;

const NOTHING: readonly never[] = Object.freeze([]);

/**
 * A run while it grows: the only one who writes into a {@link Run}. After each call `chainEvent` says in an event what has
 * just become known.
 */
export class GrowingRun implements Run, Uuids {
  readonly runId: string;
  readonly spanContext: SpanContext;
  readonly chain: string;
  readonly links: readonly string[];
  readonly phase: Run['phase'] = 'start';
  readonly inVconUuid: string;
  readonly outVconUuid: string;
  readonly start: number;
  readonly end: number | undefined = undefined;
  readonly duration: number | undefined = undefined;
  readonly outcome: ChainOutcome | undefined = undefined;
  readonly errorType: string | undefined = undefined;
  readonly vconSha256: string | undefined;
  readonly queuedBy: readonly SpanContext[];
  readonly inferred: readonly string[];
  readonly late: number | undefined = undefined;
  readonly sender: string | undefined;
  readonly #keepsSteps: boolean;
  #steps: GrowingStep[] | undefined;
  #storages: Map<string, number> | undefined;

  constructor(begun: RunStart) {
    this.runId = begun.runId;
    this.spanContext = begun.spanContext;
    this.chain = begun.chain;
    this.links = begun.links;
    this.inVconUuid = begun.inVconUuid;
    this.outVconUuid = begun.inVconUuid;
    this.start = begun.start;
    this.vconSha256 = begun.vconSha256;
    this.queuedBy = begun.queuedBy ?? NOTHING;
    this.inferred = begun.inferred;
    this.sender = begun.sender;
    this.#keepsSteps = begun.keepsSteps ?? true;
  }

  get steps(): readonly GrowingStep[] {
    return this.#steps ?? NOTHING;
  }

  /** A link has turned up that is not among {@link links}: they were concluded, and grow. */
  addLink(name: string): void {
    writable(this).links = Object.freeze([...this.links, name]);
  }

  /** What comes next is known by somebody's fact. */
  hear({ sender }: Sent): void {
    writable(this).sender = sender;
  }

  /** A step has begun. */
  beginStep(begun: StepStart): GrowingStep {
    const { stage, name, index, inVconUuid } = begun;
    const step: GrowingStep = {
      stage,
      name,
      index,
      eventIds: index === undefined ? this.#storageIds(name) : eventIdEndings(index),
      spanContext: begun.spanContext,
      phase: 'start',
      inVconUuid,
      outVconUuid: inVconUuid,
      start: begun.start,
      end: undefined,
      duration: undefined,
      outcome: undefined,
      errorType: undefined,
      vconSha256: begun.vconSha256,
      inferred: begun.inferred,
    };
    if (this.#keepsSteps) this.#keep(step);
    writable(this).outVconUuid = inVconUuid;
    return step;
  }

  /** Somebody waits for the `run` call of a step that has returned: it is made now, and not once more with the step's end. */
  callStep(step: GrowingStep, call: StepCall): void {
    writableStep(step).called = call;
  }

  /** A step of this run has ended. */
  endStep(step: GrowingStep, ending: StepEnding): void {
    finish(step, ending);
    const goesOn = ending.outcome === 'success' || ending.outcome === 'unknown';
    if (step.stage === 'link' && goesOn) writable(this).outVconUuid = ending.outVconUuid;
  }

  /** So much more was heard of it when it was over. */
  addLate(count: number): void {
    if (count > 0) writable(this).late = (this.late ?? 0) + count;
  }

  /** The run has ended. */
  finish(ending: RunEnding): void {
    finish(this, ending);
    if (ending.lost) writable(this).phase = 'lost';
  }

  #keep(step: GrowingStep): void {
    this.#steps ??= [];
    if (this.#steps.length < MAX_STEPS) this.#steps.push(step);
  }

  /** The same storage written twice in one run is two steps. */
  #storageIds(name: string) {
    this.#storages ??= new Map();
    const before = this.#storages.get(name) ?? 0;
    this.#storages.set(name, before + 1);
    return eventIdEndings(name, before);
  }
}

/** Readonly is for everybody else. */
type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

function writable(run: GrowingRun): Writable<GrowingRun> {
  return run;
}

function writableStep(step: GrowingStep): Writable<GrowingStep> {
  return step;
}

function finish<Outcome>(
  subject: Writable<Pick<Run, 'end' | 'duration' | 'errorType' | 'vconSha256' | 'inferred'> & Uuids> & {
    phase: ChainEvent['phase'];
    outcome: Outcome | undefined;
  },
  ending: Ending<Outcome>,
): void {
  subject.phase = ending.outcome === 'error' ? 'error' : 'complete';
  subject.outVconUuid = ending.outVconUuid;
  subject.end = ending.end;
  subject.duration = ending.duration;
  subject.outcome = ending.outcome;
  subject.errorType = ending.errorType;
  subject.vconSha256 = ending.vconSha256;
  subject.inferred = union(withoutTime(subject.inferred), ending.inferred);
}
