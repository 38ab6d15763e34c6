import type { Inbox } from '../journal/inbox.ts';
import type { Clock } from '../model/clock.ts';
import { errorType } from '../model/error.ts';
import type { ChainEvent } from '../model/event.ts';
import type { Assembler } from './assembler.ts';
import { decodeEntry, encodeEntry, isOfMadeRoom, type MadeRoom } from './entry.ts';
import { handOn, type Listeners, show } from './hand-on.ts';
import type { Decided } from './input.ts';
import { leastNeeded, runsOf } from './making-room.ts';
import { noOutcome } from './outcome.ts';

export interface RoomInRecoverySettings extends Listeners {
  readonly inbox: Inbox;
  readonly clock: Clock;
  /** Whether too much lives in memory, garbage apart. Default: it never does. */
  crowded?(): boolean;
  /** See `AssemblySettings`. */
  readonly hearsSpans?: boolean;
}

/** Bytes of entries that are read between two looks at the memory. */
const LOOK = 65_536;
/** The part of what is in hand that is let go each time that there is too little memory: each look at it takes a while. */
const LET_GO = 1 / 4;

/**
 * Makes room while the log is read again: a process may have less memory than the one before it, of which everything was open. What
 * is needed least is told as it stands. That was decided in the middle of the log, and is written at its end with the place
 * after which it was: should this process end before the log is carried forward, the next comes to the same.
 */
export class RoomInRecovery {
  readonly #settings: RoomInRecoverySettings;
  readonly #assembler: Assembler;
  /** What a recovery decided that did not come to its end, by places. */
  readonly #decided = new Map<number, MadeRoom[]>();
  #read = 0;
  #hasMade = false;

  constructor(settings: RoomInRecoverySettings, assembler: Assembler) {
    this.#settings = settings;
    this.#assembler = assembler;
  }

  /** Whether anything was let go. */
  get hasMade(): boolean {
    return this.#hasMade;
  }

  /** An entry that was found in the log before it is read in its order. */
  found(body: Uint8Array): void {
    const entry = isOfMadeRoom(body) ? decodeEntry(body) : undefined;
    if (entry?.kind !== 'made_room') return;
    const decided = this.#decided.get(entry.after);
    if (decided) decided.push(entry);
    else this.#decided.set(entry.after, [entry]);
  }

  /**
   * An entry has been taken.
   * @param unsure gives what came of the log so far and may not have been kept: it is handed on before anything else
   */
  async after(place: number, bytes: number, unsure: () => readonly ChainEvent[]): Promise<void> {
    for (const made of this.#decided.get(place) ?? []) await this.#letGo(made, unsure);
    this.#decided.delete(place);
    this.#read += bytes;
    if (this.#read < LOOK) return;
    this.#read = 0;
    const { inbox, clock, crowded, hearsSpans = true } = this.#settings;
    while (this.#inHand > 0 && crowded?.()) {
      const made: MadeRoom = {
        ...{ kind: 'made_room', after: place, count: Math.ceil(this.#inHand * LET_GO) },
        ...{ at: clock.now(), spansMayCome: hearsSpans },
      };
      // It becomes durable before what comes of it.
      inbox.append([encodeEntry(made)]).catch(() => undefined);
      await this.#letGo(made, unsure);
    }
  }

  get #inHand(): number {
    return runsOf(this.#assembler) + this.#assembler.unplaced.size;
  }

  async #letGo({ count, at, spansMayCome }: MadeRoom, unsure: () => readonly ChainEvent[]): Promise<void> {
    this.#hasMade = true;
    const { events } = this.#settings;
    for (const event of unsure()) {
      if (events.full) await events.room();
      events.accept(event);
    }
    for (let left = count; left > 0; left -= 1) {
      const decision = leastNeeded(this.#assembler, at, spansMayCome);
      if (!decision) return;
      if (events.full) await events.room();
      this.#take(decision);
    }
  }

  #take(decision: Exclude<Decided, { kind: 'record' }>): void {
    const { clock, issues } = this.#settings;
    const out = noOutcome();
    try {
      this.#assembler.take(decision, clock.elapsed(), out);
    } catch (error) {
      issues.add('internal_error', errorType(error));
    }
    if (decision.kind !== 'orphaned') issues.add('evicted_run');
    // Observers have not been shown yet what was open.
    const begun = new Set(out.runs.flatMap(({ news, run }) => (news === 'began' ? [run.runId] : [])));
    for (const { news, run } of out.runs)
      if (news !== 'began' && !begun.has(run.runId)) show({ news: 'began', run }, this.#settings);
    handOn(out, this.#settings);
  }
}
