import type { ChainEvent } from '../../model/event.ts';
import type { GrowingRun } from '../../model/growing-run.ts';
import { millisOf } from '../../model/nanoseconds.ts';
import type { ServerFactOf as Of, ServerFact, ServerSpan } from '../../model/server-fact.ts';
import { isTimed } from '../claimed-times.ts';
import { type BegunRun, begin, goOn, toldSoFar } from './begun-run.ts';
import { linkEnds, linkReturned, linkStarts } from './link-facts.ts';
import type { RunLinks } from './run-links.ts';
import { outcomeOfEnded } from './run-outcome.ts';
import type { Hearing, ToldStart } from './run-start.ts';
import { type KeptServerRun, type LentRun, type RunState, stateAt } from './run-state.ts';

/**
 * One run of a process inside the server, told by its facts in their order. Each fact makes the events that are certain by
 * it (FACTS §4), and none that is not: a link that ended without error is told when its next fact says whether it halted.
 */
export class ServerRun {
  readonly #start: ToldStart;
  readonly #hearing: Hearing;
  readonly #state: RunState;
  #begun: BegunRun | undefined;
  /** Who has it as it is now; `as`: as it was, where it has gone on. */
  #lent: { as?: KeptServerRun } | undefined;

  constructor(start: ToldStart, hearing: Hearing) {
    this.#start = start;
    this.#hearing = hearing;
    this.#state = stateAt(start);
  }

  /** The same run again: see {@link lend}. */
  static restore({ start, hearing, state, told }: KeptServerRun): ServerRun {
    const run = new ServerRun(start, hearing);
    Object.assign(run.#state, state);
    run.#begun = told && goOn(start, hearing, run.#state, told);
    return run;
  }

  /** What has become known of it; undefined before its first event. */
  get run(): GrowingRun | undefined {
    return this.#begun?.emitted.run;
  }

  /** Its facts so far. */
  get size(): number {
    return this.#state.facts;
  }

  /** When it began, nanoseconds since the Unix epoch. */
  get began(): bigint {
    return this.#start.time;
  }

  /** How often its process has said that it does not hold the run open. */
  get missed(): number {
    return this.#state.missed;
  }

  /** Its number in its process, as the module counts. */
  get number(): number | undefined {
    return this.#start.run;
  }

  get chain(): string {
    return this.#start.chain;
  }

  get thread(): string {
    return this.#start.thread;
  }

  get chainSpanId(): string | undefined {
    return this.#state.chainSpan?.spanId;
  }

  /** What it takes to go on with it as it is now. Of very many runs, little can be done at once. */
  lend(): LentRun {
    this.#lent ??= {};
    const lent = this.#lent;
    return { kept: () => lent.as ?? this.#kept };
  }

  /** Whether somebody who waits for the call of a link would have to wait for more facts. */
  isUncalled(index: number): boolean {
    const open = this.#begun?.links.open;
    return open?.index === index && !open.step.called;
  }

  /** Somebody waits for the `run` call of a link, which has returned. */
  call(index: number, time: bigint): ChainEvent[] {
    this.#goesOn();
    const { links, emitted } = this.#open(undefined);
    if (links.open?.index === index) links.call(time);
    return emitted.takeEvents();
  }

  /** Notes whether its process says that it holds the run open. @returns whether it has said twice that it does not */
  isMissed(isOpen: boolean): boolean {
    this.#goesOn();
    this.#state.missed = isOpen ? 0 : this.#state.missed + 1;
    return this.#state.missed > 1;
  }

  /** Whether a storage span that says nothing of where it belongs can be this run's. */
  mayOwn({ chain, vconUuid, name }: ServerSpan): boolean {
    return this.#start.chain === chain && this.mayWrite(name, vconUuid);
  }

  /** Whether the run may be about to write to a storage: its links are over, and it has not yet. */
  mayWrite(storage: string, vconUuid: string | undefined): boolean {
    return (
      this.isAt(vconUuid) &&
      this.#begun?.links.isOver === true &&
      this.#start.storages.includes(storage) &&
      !this.run?.steps.some(({ stage, name }) => stage === 'storage' && name === storage)
    );
  }

  /** Whether this is what the vCon is called by now. */
  isAt(vconUuid: string | undefined): boolean {
    return this.#begun?.links.isAt(vconUuid) === true;
  }

  /** Whether a span, or without spans a storage, began in this run and has not ended. */
  hasOpen(key: string): boolean {
    const { links, storages } = this.#begun ?? {};
    return links?.open?.spanId === key || this.#state.first?.spanId === key || storages?.has(key) === true;
  }

  /**
   * Takes the run's next fact.
   * @returns what is certain by it, in order
   */
  take(fact: ServerFact): ChainEvent[] {
    this.#goesOn();
    const state = this.#state;
    state.facts += 1;
    state.hasWrongTime ||= !isTimed(fact);
    if (fact.kind === 'gap') {
      state.hasGap = true;
      return [];
    }
    state.sender = fact.sender;
    this.run?.hear(fact);
    const begun = this.#begin(fact);
    if (begun) this.#take(fact, begun);
    return begun?.emitted.takeEvents() ?? [];
  }

  /**
   * Nothing more will be heard of the run: its process is gone, or its end was lost.
   * @param time when that was found out, milliseconds since the Unix epoch
   */
  lose(time: number): ChainEvent[] {
    this.#goesOn();
    const begun = this.#open(undefined);
    this.#lose(begun, time);
    return begun.emitted.takeEvents();
  }

  get #kept(): KeptServerRun {
    const [start, hearing, begun] = [this.#start, this.#hearing, this.#begun];
    return { start, hearing, state: { ...this.#state }, told: begun && toldSoFar(begun) };
  }

  /** Whoever has it as it is now keeps that. */
  #goesOn(): void {
    if (this.#lent) this.#lent.as = this.#kept;
    this.#lent = undefined;
  }

  /** The first event comes with the fact after the start, which says whether there is a chain span. */
  #begin(fact: ServerFact): BegunRun | undefined {
    if (this.#begun) return this.#begun;
    const state = this.#state;
    const isSpan = fact.kind === 'span_start';
    if (isSpan && fact.stage === 'chain') {
      const { spanId, traceId, start } = fact;
      state.chainSpan ??= { spanId, traceId, start };
    }
    const waitsForHash = this.#hearing.hashes && this.#start.links.length > 0;
    if (waitsForHash && isSpan && !(fact.stage === 'link' && state.first)) {
      if (fact.stage === 'link') state.first = fact;
      return undefined;
    }
    const begun = this.#open(fact.kind === 'tracer' && fact.index === -1 ? fact.vconSha256 : undefined);
    if (state.first) linkStarts(state.first, begun.links);
    state.first = undefined;
    return begun;
  }

  #open(vconSha256: string | undefined): BegunRun {
    this.#begun ??= begin(this.#start, this.#hearing, this.#state, vconSha256);
    return this.#begun;
  }

  get #hasSpans(): boolean {
    return this.#state.chainSpan !== undefined;
  }

  #take(fact: ServerFact, begun: BegunRun): void {
    const { links, storages } = begun;
    const isSpan = this.#hasSpans;
    if (fact.kind === 'span_start' && fact.stage === 'link') linkStarts(fact, links);
    else if (fact.kind === 'span_start' && fact.stage === 'storage') this.#storageStarts(fact, begun);
    else if (fact.kind === 'span_end') this.#spanEnds(fact, begun);
    else if (fact.kind === 'after_link') linkReturned(fact, links, isSpan);
    else if (fact.kind === 'tracer') this.#tracerCalled(fact, links);
    else if (fact.kind === 'halt') links.halted(fact.link);
    else if (fact.kind === 'egress') this.#state.hasEgress = true;
    else if (fact.kind === 'storage_start' && !isSpan) {
      links.goOn(fact.vconUuid);
      storages.begin(fact.storage, fact.storage, fact.time, links.uuid, undefined);
    } else if (fact.kind === 'storage_end' && !isSpan) storages.end(fact.storage, fact.time, fact.error);
    else if (fact.kind === 'run_end') this.#ends(fact, begun);
  }

  #spanEnds(fact: Of<'span_end'>, begun: BegunRun): void {
    const { spanId, status, end } = fact;
    const { links, storages } = begun;
    const error = status === 'error' ? (fact.error ?? '_OTHER') : undefined;
    // The span of a failed chain ends at any time, in any way: its end says something only where it is good.
    if (fact.stage === 'chain') this.#state.chainEnded = status === 'ok' ? end : this.#state.chainEnded;
    else if (fact.stage === 'link') linkEnds(fact, error, links);
    else {
      if (!storages.has(spanId)) this.#storageStarts(fact, begun);
      storages.end(spanId, end, error);
    }
  }

  #storageStarts(fact: ServerSpan, { links, storages }: BegunRun): void {
    links.goOn(fact.vconUuid);
    storages.begin(fact.name, fact.spanId, fact.start, links.uuid, fact);
  }

  #tracerCalled(fact: Of<'tracer'>, links: RunLinks): void {
    const { index, after, vconSha256, time, linkSpan } = fact;
    const [first] = this.#start.links;
    if (index === -1) {
      // Inside the first link: where its start is not heard, it has begun by now.
      const isHeard = this.#hasSpans && !this.#start.isConcluded;
      if (first === undefined || links.open || isHeard) return;
      links.begin(first, 0, time, this.#hasSpans ? linkSpan : undefined, ['time']);
      return;
    }
    // It has returned, whether that was heard or not.
    const name = fact.links[index];
    const link = name === undefined ? undefined : links.at(index, name, time);
    if (!link) return;
    link.given = fact.before;
    link.handedOn = after;
    link.vconSha256 = vconSha256;
  }

  #ends({ error, index, raised, vconUuid, time }: Of<'run_end'>, begun: BegunRun): void {
    const { emitted, links } = begun;
    const outVconUuid = vconUuid ?? links.uuid;
    const end = millisOf(this.#state.chainEnded ?? time);
    if (error !== undefined) {
      // After a halt nothing is left that could fail.
      if (index !== undefined) links.failAt(index, error, time);
      if (links.open?.raised !== undefined) links.fail(links.open.raised, time);
      if (links.isOver) links.settle('success', []);
      emitted.finish({ outcome: 'error', errorType: error, outVconUuid, end, inferred: [] });
      return;
    }
    // The worker is on its way out (FACTS §4): that is no completion.
    const isExiting =
      raised !== undefined ||
      (this.#hasSpans && this.#state.chainEnded === undefined) ||
      !(links.isOver || this.#state.hasGap);
    if (isExiting) this.#lose(begun, end);
    else this.#endsWell(outVconUuid, end, begun);
  }

  /** @param uuid with which it ended; undefined where its end is lost */
  #endsWell(uuid: string | undefined, end: number, { emitted, links, storages }: BegunRun): void {
    const { chain, link, concluded } = outcomeOfEnded({
      ...this.#start,
      linksBegun: links.begun,
      open: links.open,
      lastOutcome: links.lastOutcome,
      hasStored: storages.begun > 0,
      hasEgress: this.#state.hasEgress,
      hearsStorages: this.#hearing.spans ? this.#hasSpans : this.#hearing.extras,
      hearsEgress: this.#hearing.extras,
      isGapped: this.#state.hasGap,
      isConcluded: this.#start.isConcluded === true,
    });
    const inferred = concluded ? ['outcome'] : [];
    // With which others may have ended that were not heard.
    const isLast = links.begun === this.#start.links.length || !this.#state.hasGap;
    links.settle(link, inferred, isLast ? uuid : undefined);
    if (uuid === undefined) inferred.push('out_vcon_uuid');
    emitted.finish({ outcome: chain, outVconUuid: uuid ?? links.uuid, end, inferred });
  }

  #lose(begun: BegunRun, time: number): void {
    const { emitted, links } = begun;
    if (this.#state.chainEnded !== undefined) {
      this.#endsWell(undefined, millisOf(this.#state.chainEnded), begun);
      return;
    }
    // It ended without error; whether it halted the chain nobody can know any more.
    if (links.isOver) links.settle('unknown', ['outcome']);
    const inferred = ['outcome', 'time', 'duration', 'out_vcon_uuid'];
    emitted.finish({ outcome: 'unknown', outVconUuid: links.uuid, end: time, inferred, lost: true });
  }
}
