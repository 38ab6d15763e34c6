import type { Issues } from '../../model/issues.ts';
import type { ReceiverIssue } from '../issues.ts';
import type { OpenRun } from './open-run.ts';
import type { RecordPlacement } from './record-placement.ts';
import type { SpanPlacement } from './span-placement.ts';
import { type ChainPlan, failedLink, lastLink, linksOf, toMillis } from './story.ts';
import type { Teller } from './teller.ts';
import type { Waiting } from './waiting.ts';

export interface RunClosingSettings {
  readonly waiting: Waiting;
  readonly spans: SpanPlacement;
  readonly records: RecordPlacement;
  readonly teller: Teller;
  readonly issues: Issues<ReceiverIssue>;
  plan(chain: string): ChainPlan | undefined;
  /** Milliseconds after the last news of a run that is given up. */
  readonly timeout: number;
}

/** Decides when a run is over, gathers what belongs to it, and has the rest of it told. */
export class RunClosing {
  readonly #settings: RunClosingSettings;
  /** When a span of the conserver came last, on the clock of `performance.now()`. */
  #lastSpan = Number.NEGATIVE_INFINITY;

  constructor(settings: RunClosingSettings) {
    this.#settings = settings;
  }

  /** A span of the conserver has come: it sends them to us. */
  heardSpan(): void {
    this.#lastSpan = performance.now();
  }

  /**
   * Closes a run that has settled if its time has come.
   * @param isBehind more may be on its way for longer than usual
   */
  lookAt(run: OpenRun, isBehind: boolean): void {
    const age = performance.now() - run.news;
    const limit = this.#plan(run)?.timeout ?? this.#settings.timeout;
    if (run.chainSpan && !run.isGapless && !this.#gather(run)) return;
    if (age >= limit || (!isBehind && this.#seemsOver(run))) this.close(run);
  }

  /** Tells the rest of a run and forgets it, whatever may be missing. */
  close(run: OpenRun): void {
    const { waiting, issues, teller } = this.#settings;
    if (!this.#gather(run)) return;
    const isTruncated = !run.chainSpan && !failedLink(run) && !this.#seemsOver(run);
    if (isTruncated) issues.add('truncated_run');
    if (this.#isLeaked(run)) issues.add('leaked_context');
    if (teller.tellRest(run, isTruncated, waiting.isBuilt(run))) this.#remember(run);
    else issues.add('orphan_span');
    waiting.end(run);
    // Together with it: its records are recognised by their numbers from here on.
    waiting.keepWorkers();
  }

  /**
   * Whether everything that is to be expected of a run has come, so that only a latecomer is waited for (CONSERVER §6,
   * closing a run): its chain span or a link that failed, without a gap before; or, where nobody sends spans, the record of
   * its last link.
   */
  #seemsOver(run: OpenRun): boolean {
    if (!run.isGapless) return false;
    if (run.chainSpan || failedLink(run)) return true;
    if (run.spans > 0 || this.#spansMayCome(run)) return false;
    return lastLink(run) === linksOf(run, this.#plan(run)).links.length - 1;
  }

  #spansMayCome(run: OpenRun): boolean {
    // A run that the server's sampler leaves out has no ids.
    const isRecorded = [...run.records.values()].some(({ traceId }) => traceId !== undefined);
    return isRecorded && performance.now() - this.#lastSpan < this.#settings.timeout;
  }

  /**
   * Takes in what came under another name.
   * @returns whether the run is still there: it may have turned out to be a part of another
   */
  #gather(run: OpenRun): boolean {
    const { waiting, spans, records } = this.#settings;
    const worker = waiting.workers.get(run.worker);
    if (worker) waiting.united(records.unite(run, worker, true));
    const pair = spans.counterpart(run);
    if (pair) {
      pair.records.absorb(pair.spans);
      waiting.united({ whole: pair.records, parts: [pair.spans] });
    }
    if (!waiting.open.has(run)) return false;
    waiting.united({ whole: run, parts: spans.takeOver(run) });
    for (const { span, entries } of spans.adopt(run, this.#plan(run))) {
      run.entries.push(...entries);
      waiting.open.known(run, span.vconUuid);
    }
    return true;
  }

  #remember(run: OpenRun): void {
    const { told, rootSpanId } = run;
    if (!told) return;
    const closed = {
      id: run.id,
      rootSpanId,
      chain: run.chain ?? told.chain,
      uuids: [...new Set(run.uuids())],
      from: toMillis(told.span.startTime),
      to: toMillis(told.span.endTime),
      isHeadless: !run.chainSpan && failedLink(run) !== undefined,
      at: Date.now(),
    };
    const { waiting } = this.#settings;
    waiting.closed.add(closed, waiting.keep({ kind: 'closed', run: closed }));
  }

  /** Whether the Python server had left the span of a failed chain as the current one. */
  #isLeaked({ chainSpan }: OpenRun): boolean {
    const { open, closed } = this.#settings.waiting;
    const parent = chainSpan?.parentSpanId;
    return parent !== undefined && (open.get(parent) ?? closed.get(parent)) !== undefined;
  }

  #plan(run: OpenRun): ChainPlan | undefined {
    return run.chain === undefined ? undefined : this.#settings.plan(run.chain);
  }
}
