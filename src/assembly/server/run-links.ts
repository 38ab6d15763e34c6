import type { LinkOutcome } from '../../model/event.ts';
import type { GrowingStep } from '../../model/growing-run.ts';
import type { ServerFactOf } from '../../model/server-fact.ts';
import type { EmittedRun, SpanIds } from './emitted-run.ts';

/** A link that has begun and of which no end has been emitted. */
export interface OpenLink {
  readonly step: GrowingStep;
  readonly began: bigint;
  readonly index: number;
  readonly spanId: string | undefined;
  /** When its `after_link` came, which says that it returned. */
  after: bigint | undefined;
  /** What it returned, where that is heard: a uuid, or false for a halt. */
  returned: string | false | undefined;
  /** The uuids that it was given and handed on, as a tracer's call says, and the document's hash. */
  given: string | undefined;
  handedOn: string | undefined;
  /** The class of what its `after_link` says that it raised. */
  raised: string | undefined;
  vconSha256: string | undefined;
  /** When its span ended, without error. */
  ended: bigint | undefined;
}

/** Whether it is known to have returned a uuid: one that halts leaves the uuid as it is. */
export function handsOn({ returned, given, handedOn, step }: OpenLink): boolean {
  return typeof returned === 'string' || (handedOn !== undefined && handedOn !== (given ?? step.inVconUuid));
}

/** What the vCon is called after it, as far as it says so itself. */
function nextUuid({ handedOn, returned }: OpenLink): string | undefined {
  return handedOn ?? (returned === false ? undefined : returned);
}

/** What of a run's links it takes to go on with them: the step of the open one is the run's. */
export interface KeptLinks {
  readonly open: Omit<OpenLink, 'step'> | undefined;
  readonly begun: number;
  readonly uuid: string;
  readonly last: LinkOutcome | undefined;
}

export interface RunLinksSettings {
  /** As configured; none where that is not known and `growsLinks`. */
  readonly links: readonly string[];
  readonly growsLinks: boolean;
  /** What entered the chain. */
  readonly vconUuid: string;
  /** Whether links have spans, and an `after_link`. */
  readonly hasSpans: boolean;
  readonly hasAfterLink: boolean;
}

/** The links of one run: which is open, and what the vCon is called by now. */
export class RunLinks {
  readonly #emitted: EmittedRun;
  readonly #settings: RunLinksSettings;
  #open: OpenLink | undefined;
  #begun: number;
  #uuid: string;
  #last: LinkOutcome | undefined;

  /** @param kept as they were, where the run goes on */
  constructor(emitted: EmittedRun, settings: RunLinksSettings, kept?: KeptLinks) {
    this.#emitted = emitted;
    this.#settings = settings;
    this.#begun = kept?.begun ?? 0;
    this.#uuid = kept?.uuid ?? settings.vconUuid;
    this.#last = kept?.last;
    const open = kept?.open;
    const step = open && emitted.openStep(({ stage, index }) => stage === 'link' && index === open.index);
    this.#open = step && { ...open, step };
  }

  get kept(): KeptLinks {
    const { step: _, ...open } = this.#open ?? {};
    return {
      open: this.#open && (open as Omit<OpenLink, 'step'>),
      begun: this.#begun,
      uuid: this.#uuid,
      last: this.#last,
    };
  }

  get open(): OpenLink | undefined {
    return this.#open;
  }

  /** How many have begun. */
  get begun(): number {
    return this.#begun;
  }

  /** What the vCon is called by now, as far as that has been emitted. */
  get uuid(): string {
    return this.#uuid;
  }

  /** How the last one ended; undefined where none has, or one is open. */
  get lastOutcome(): LinkOutcome | undefined {
    return this.#open ? undefined : this.#last;
  }

  /** Whether the open one, if any, has ended without error, and nothing can change that any more. */
  get isOver(): boolean {
    if (!this.#open) return true;
    const { after, ended } = this.#open;
    if (!this.#settings.hasSpans) return after !== undefined;
    // One that ends its worker (`SystemExit`) ends its span without error, and nothing is heard after it.
    return ended !== undefined && (after !== undefined || !this.#settings.hasAfterLink);
  }

  /** Whether this is what the vCon is called by now. */
  isAt(vconUuid: string | undefined): boolean {
    return vconUuid === ((this.#open && nextUuid(this.#open)) ?? this.#uuid);
  }

  begin(
    name: string,
    index: number,
    start: bigint,
    span: SpanIds | undefined,
    inferred: readonly string[],
  ): OpenLink {
    this.#catchUp(index, start);
    if (this.#settings.growsLinks) this.#emitted.run.addLink(name);
    this.#begun = index + 1;
    this.#open = {
      step: this.#emitted.beginLink(name, index, start, this.#uuid, span, inferred),
      began: start,
      index,
      spanId: span?.spanId,
      after: undefined,
      returned: undefined,
      given: undefined,
      handedOn: undefined,
      raised: undefined,
      vconSha256: undefined,
      ended: undefined,
    };
    return this.#open;
  }

  /**
   * The link at this place, open: facts of it, and of links before it, may be lost.
   * @returns undefined for one that has ended
   */
  at(index: number, name: string, start: bigint): OpenLink | undefined {
    if (index < this.#begun) return this.#open?.index === index ? this.#open : undefined;
    this.goOn(undefined);
    return this.begin(name, index, start, undefined, ['time']);
  }

  /** The place of the link that has returned, whether its fact says it or not. */
  placeOf({ link, index, error }: Pick<ServerFactOf<'after_link'>, 'link' | 'index' | 'error'>): number {
    if (index !== undefined) return index;
    const open = this.#open;
    const { links } = this.#settings;
    // A second one of the same link: a tracer has failed it. Two links of one name side by side cannot be told apart.
    const isAgain = error !== undefined && open && links[open.index + 1] !== link;
    if (open?.step.name === link && (open.after === undefined || isAgain)) return open.index;
    const next = links.indexOf(link, this.#begun);
    return next === -1 ? this.#begun : next;
  }

  /** A link of this name has halted the chain. */
  halted(name: string): void {
    if (this.#open?.step.name !== name) return;
    this.#open.returned = false;
    if (this.#open.ended !== undefined) this.settle('halt', []);
  }

  /** Somebody waits for the `run` call of the open one, which has returned. */
  call(time: bigint): void {
    const link = this.#open;
    if (!link || link.step.called) return;
    this.#emitted.call(link.step, nextUuid(link) ?? link.step.inVconUuid, time, link.vconSha256);
  }

  /** The chain goes on: what was open has succeeded. @param uuid what the next step begins with */
  goOn(uuid: string | undefined): void {
    this.settle('success', [], uuid);
    if (uuid !== undefined) this.#uuid = uuid;
  }

  fail(errorType: string, end: bigint): void {
    if (!this.#open) return;
    const { step, vconSha256 } = this.#open;
    this.#open = undefined;
    this.#last = 'error';
    const inferred = this.#settings.hasSpans ? [] : ['duration'];
    const outVconUuid = step.inVconUuid;
    this.#emitted.endStep(step, { outcome: 'error', errorType, outVconUuid, end, vconSha256, inferred });
  }

  /** The chain failed in this link. Of one that could not be imported nothing was heard, where links have no spans. */
  failAt(index: number, errorType: string, time: bigint): void {
    const name = this.#settings.links[index];
    if (name !== undefined && this.at(index, name, time)) this.fail(errorType, time);
  }

  /** The open one, if any, has ended without error. @param next what came after it, or left the chain */
  settle(outcome: LinkOutcome, concluded: readonly string[], next?: string): void {
    const link = this.#open;
    if (!link) return;
    this.#open = undefined;
    this.#last = outcome;
    const { step, vconSha256 } = link;
    // Both facts of its end can be lost.
    const end = link.ended ?? link.after ?? link.began;
    const isEndKnown = (link.ended ?? link.after) !== undefined;
    const known = outcome === 'halt' ? step.inVconUuid : (nextUuid(link) ?? next);
    const inferred = [
      ...concluded,
      ...(known === undefined ? ['out_vcon_uuid'] : []),
      ...(isEndKnown ? [] : ['time']),
      ...(this.#settings.hasSpans && isEndKnown ? [] : ['duration']),
    ];
    this.#uuid = known ?? step.inVconUuid;
    this.#emitted.endStep(step, { outcome, outVconUuid: this.#uuid, end, vconSha256, inferred });
  }

  /** Links whose facts are lost ran, and well: none would have come after them. */
  #catchUp(index: number, at: bigint): void {
    for (const [missed, name] of this.#settings.links.entries()) {
      if (missed < this.#begun || missed >= index) continue;
      const step = this.#emitted.beginLink(name, missed, at, this.#uuid, undefined, ['step', 'time']);
      const inferred = ['step', 'time', 'duration', 'out_vcon_uuid'];
      this.#emitted.endStep(step, { outcome: 'success', outVconUuid: this.#uuid, end: at, inferred });
    }
  }
}
