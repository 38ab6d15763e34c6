import { type Attributes, type Link, ROOT_CONTEXT, TraceFlags } from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import { ATTR, CONSERVER_ATTR, spanName } from '../../model/semconv.ts';
import type { ForwardedRecord } from '../forwarded-record.ts';
import type { OpenRun } from './open-run.ts';
import { spanIdOf } from './open-run.ts';
import { ReplayedSpan } from './replayed-span.ts';
import {
  type ChainPlan,
  compareTimes,
  endingOf,
  enteringUuid,
  firstTime,
  haltOf,
  type LinkStep,
  lastLink,
  linkStep,
  linksOf,
  NOT_HALTED,
  type StorageStep,
  storageSteps,
} from './story.ts';

type Hearer = Pick<SpanProcessor, 'onStart' | 'onEnd'>;

/** How much of a run has been told. */
export interface Told {
  readonly span: ReplayedSpan;
  /** As its events call it, whatever is found out later. */
  readonly chain: string;
  readonly links: readonly string[];
  /** The link that is to end next, and its span if it has begun. */
  next: number;
  begun: ReplayedSpan | undefined;
  /** The uuid as the links so far have left it. */
  uuid: string;
  /** Nobody else records spans of this run: its events say so (`inferred` has `span`). */
  readonly isBuilt: boolean;
}

export interface TellerSettings {
  /** Hears a run as soon as anything of it is certain, each step once. */
  readonly bridge: Hearer;
  /** Hears whole runs with all that was found out about them. */
  readonly observers: readonly Hearer[];
  plan(chain: string): ChainPlan | undefined;
  /** A link of which nothing came. */
  missing(): void;
}

/** Tells span processors what happened in a run, in the order in which it happened, as if it were happening now. */
export class Teller {
  readonly #settings: TellerSettings;

  constructor(settings: TellerSettings) {
    this.#settings = settings;
  }

  /**
   * Tells what records say: links up to the first of which no record has come.
   * @param all up to the last record; what lies between is concluded
   */
  tellRecords(run: OpenRun, isBuilt: boolean, all: boolean): void {
    if (!all && !run.told && !run.records.has(-1)) return;
    const told = this.#open(run, isBuilt);
    if (!told) return;
    const last = Math.max(...run.records.keys());
    while (run.records.has(told.next) || (all && told.next <= last))
      this.#tellLink(run, told, told.next, false);
    // The call before the first link is made inside it.
    if (told.next === 0 && told.links.length > 0) this.#begin(run, told, 0);
  }

  /** Tells the rest: the run is over. @returns whether anything could be told at all */
  tellRest(run: OpenRun, isTruncated: boolean, isBuilt: boolean): boolean {
    const told = this.#open(run, isBuilt);
    if (!told) return false;
    const plan = this.#plan(run);
    const halt = haltOf(run, told.links, plan);
    const last = lastLink(run);
    while (told.next <= last) this.#tellLink(run, told, told.next, told.next === last && halt.isHalted);
    this.#tellStorages(run, told, storageSteps(run, told.uuid));
    const ending = endingOf(run, told.uuid, halt, isTruncated);
    told.span.finish({
      start: ending.start,
      end: ending.end,
      failed: ending.outcome === 'error',
      attributes: {
        [ATTR.vconOutUuid]: ending.outVconUuid,
        [ATTR.chainOutcome]: ending.outcome,
        [ATTR.inferred]: [...ending.inferred],
        // It was the document's that entered; nobody says what it is now.
        [ATTR.vconSha256]: undefined,
        ...(ending.errorType === undefined ? {} : { [ATTR.errorType]: ending.errorType }),
        ...hashOf(run.records.get(last)),
      },
    });
    this.#settings.bridge.onEnd(told.span);
    this.#observe(run, told, halt.isHalted);
    return true;
  }

  #open(run: OpenRun, isBuilt: boolean): Told | undefined {
    if (run.told) return run.told;
    const entering = enteringUuid(run);
    if (!entering) return undefined;
    const { uuid } = entering;
    const { links, inferred } = linksOf(run, this.#plan(run));
    const { chainSpan } = run;
    const first = run.records.get(-1);
    const { chain = UNKNOWN } = run;
    const span = new ReplayedSpan({
      name: spanName('chain', chain),
      spanContext: this.#context(run, run.id),
      start: chainSpan?.start ?? firstTime(run),
      attributes: {
        [CONSERVER_ATTR.vconId]: uuid,
        [CONSERVER_ATTR.chainName]: chain,
        [ATTR.chainLinks]: [...links],
        [ATTR.inferred]: [
          ...(entering.inferred ? ['vcon_uuid'] : []),
          ...(inferred ? ['links'] : []),
          ...(chainSpan ? [] : ['time']),
          ...(run.chain === undefined ? ['chain'] : []),
          ...(isBuilt ? ['span'] : []),
        ],
        ...hashOf(first),
      },
      links: (chainSpan?.queuedBy ?? []).map((context): Link => ({ context })),
    });
    run.told = { span, chain, links, next: 0, begun: undefined, uuid, isBuilt };
    this.#settings.bridge.onStart(span, ROOT_CONTEXT);
    for (const observer of this.#settings.observers) observer.onStart(span, ROOT_CONTEXT);
    return run.told;
  }

  #begin(
    run: OpenRun,
    told: Told,
    index: number,
    step = this.#linkStep(run, told, index, false),
  ): ReplayedSpan {
    if (told.begun) return told.begun;
    told.begun = this.#linkSpan(run, told, step);
    this.#settings.bridge.onStart(told.begun, ROOT_CONTEXT);
    return told.begun;
  }

  #tellLink(run: OpenRun, told: Told, index: number, isHalted: boolean): void {
    const step = this.#linkStep(run, told, index, isHalted);
    if (step.isMissing) this.#settings.missing();
    const span = this.#begin(run, told, index, step);
    finishLink(run, span, step);
    told.begun = undefined;
    told.next = index + 1;
    told.uuid = step.outVconUuid;
    this.#settings.bridge.onEnd(span);
  }

  #linkStep(run: OpenRun, told: Told, index: number, isHalted: boolean): LinkStep {
    return linkStep(run, index, told.links, told.uuid, isHalted ? { isHalted, inferred: true } : NOT_HALTED);
  }

  #linkSpan(run: OpenRun, told: Told, step: LinkStep): ReplayedSpan {
    return new ReplayedSpan({
      name: spanName('link', step.name),
      spanContext: this.#context(run, this.#linkSpanId(run, step.index)),
      parentSpanId: run.id,
      start: step.start,
      attributes: {
        ...stepAttributes(told, step.inVconUuid),
        [CONSERVER_ATTR.linkName]: step.name,
        [CONSERVER_ATTR.linkIndex]: step.index,
        [ATTR.inferred]: [
          ...(run.links.has(step.index) ? [] : ['time']),
          // The call before the first link is made inside it.
          ...(step.isMissing && !(step.index === 0 && run.records.has(-1)) ? ['step'] : []),
          ...(told.isBuilt ? ['span'] : []),
        ],
      },
    });
  }

  /** In the order of the clock, since they may have been written side by side. */
  #tellStorages(run: OpenRun, told: Told, steps: readonly StorageStep[]): void {
    const spans = new Map<StorageStep, ReplayedSpan>();
    const moments = steps.flatMap((step) => [
      { at: step.start, step, ends: false },
      { at: step.end, step, ends: true },
    ]);
    moments.sort((a, b) => compareTimes(a.at, b.at) || Number(a.ends) - Number(b.ends));
    for (const { step, ends } of moments) {
      const begun = spans.get(step);
      if (!ends && !begun) {
        const span = this.#storageSpan(run, told, step);
        spans.set(step, span);
        this.#settings.bridge.onStart(span, ROOT_CONTEXT);
      }
      if (ends) {
        // One whose clock was set back in the middle ends before it starts.
        const span = begun ?? this.#storageSpan(run, told, step);
        if (!begun) this.#settings.bridge.onStart(span, ROOT_CONTEXT);
        spans.set(step, span);
        finishStorage(span, step);
        this.#settings.bridge.onEnd(span);
      }
    }
  }

  #storageSpan(run: OpenRun, told: Told, step: StorageStep): ReplayedSpan {
    return new ReplayedSpan({
      name: spanName('storage', step.name),
      spanContext: this.#context(run, step.span.spanId),
      parentSpanId: run.id,
      start: step.start,
      attributes: {
        ...stepAttributes(told, step.inVconUuid),
        [CONSERVER_ATTR.storageName]: step.name,
        ...hashOf(run.records.get(lastLink(run))),
      },
    });
  }

  #observe(run: OpenRun, told: Told, isHalted: boolean): void {
    const { observers } = this.#settings;
    if (observers.length === 0) return;
    const last = lastLink(run);
    let before = enteringUuid(run)?.uuid ?? told.uuid;
    for (let index = 0; index <= last; index += 1) {
      const halted = isHalted && index === last;
      const step = linkStep(run, index, told.links, before, { isHalted: halted, inferred: true });
      before = step.outVconUuid;
      const span = this.#linkSpan(run, told, step);
      finishLink(run, span, step);
      for (const observer of observers) observer.onEnd(span);
    }
    for (const step of storageSteps(run, told.uuid)) {
      const span = this.#storageSpan(run, told, step);
      finishStorage(span, step);
      for (const observer of observers) observer.onEnd(span);
    }
    for (const observer of observers) observer.onEnd(told.span);
  }

  #linkSpanId(run: OpenRun, index: number): string {
    const span = run.links.get(index);
    if (span) return span.spanId;
    const record = run.records.get(index) ?? (index === 0 ? run.records.get(-1) : undefined);
    const isTrue = record?.rootSpanId !== undefined && record.rootSpanId === run.rootSpanId;
    return (isTrue ? record.spanId : undefined) ?? spanIdOf(run.id, 'link', index);
  }

  #context(run: OpenRun, spanId: string) {
    return { traceId: run.traceId, spanId, traceFlags: TraceFlags.SAMPLED };
  }

  #plan(run: OpenRun): ChainPlan | undefined {
    return run.chain === undefined ? undefined : this.#settings.plan(run.chain);
  }
}

/** A chain of which nobody has said how it is called. */
const UNKNOWN = 'unknown';

/** What the document was at the time of a record. */
function hashOf(record: ForwardedRecord | undefined): Attributes {
  return record?.vconSha256 === undefined ? {} : { [ATTR.vconSha256]: record.vconSha256 };
}

function stepAttributes({ chain }: Told, vconUuid: string): Attributes {
  return { [CONSERVER_ATTR.vconId]: vconUuid, [CONSERVER_ATTR.chainName]: chain };
}

function finishLink(run: OpenRun, span: ReplayedSpan, step: LinkStep): void {
  span.finish({
    start: step.start,
    end: step.end,
    failed: step.outcome === 'error',
    attributes: {
      [ATTR.vconOutUuid]: step.outVconUuid,
      [ATTR.linkOutcome]: step.outcome,
      [ATTR.inferred]: [...step.inferred],
      ...(step.errorType === undefined ? {} : { [ATTR.errorType]: step.errorType }),
      ...hashOf(run.records.get(step.index)),
    },
  });
}

function finishStorage(span: ReplayedSpan, { start, end, outcome, errorType }: StorageStep): void {
  span.finish({
    start,
    end,
    failed: outcome === 'error',
    attributes: errorType === undefined ? {} : { [ATTR.errorType]: errorType },
  });
}
