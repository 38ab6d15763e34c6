import type { ChainEvent } from '../model/event.ts';
import { type Facts, type ReadReceived, sentBy } from '../model/received.ts';
import type { Assembler } from './assembler.ts';
import { withinWindow } from './claimed-times.ts';
import { emit, statementsOf } from './emit.ts';
import { type RowOf01, restoreFrom01 } from './entries-of-0-1.ts';
import { decodeEntry, type Entry, isOfCarrying } from './entry.ts';
import { noOutcome, type Outcome } from './outcome.ts';
import { countOf, someOf, takeFacts } from './take-facts.ts';

/** What has come of an entry, as far as it may have to be handed on again. */
interface Unsure {
  readonly place: number;
  readonly events: readonly ChainEvent[];
}

export interface LogReplaySettings {
  /** Where the log begins. */
  readonly start: number;
  readonly read: ReadReceived;
  elapsed(): number;
}

/** Takes entries of the log once more, and keeps what has to be handed on again of what comes of them. */
export class LogReplay {
  readonly #assembler: Assembler;
  readonly #settings: LogReplaySettings;
  #rows: RowOf01[] = [];
  #unsure: Unsure[] = [];
  /** What was not taken yet of what came last, and was not taken whole. */
  #rest: Facts | undefined;

  constructor(assembler: Assembler, settings: LogReplaySettings) {
    this.#assembler = assembler;
    this.#settings = settings;
  }

  /** @returns whether it could be read */
  async take(place: number, body: Uint8Array | undefined): Promise<boolean> {
    const entry = body && !isOfCarrying(body) ? decodeEntry(body) : undefined;
    const facts = entry && (await this.#factsOf(entry));
    // It may have been the one of which more was to be taken.
    if (!body || facts === 'unreadable') this.#rest = undefined;
    if (!body || facts === 'unreadable') return false;
    if (!entry) return true;
    const out = noOutcome();
    this.#apply(place, entry, facts, out);
    if (out.events.length > 0) this.#unsure.push({ place, events: out.events });
    return true;
  }

  /** @returns what may have to be handed on again so far, in order, and is now */
  unsure(): ChainEvent[] {
    const events = this.#unsure.flatMap((unsure) => unsure.events);
    this.#unsure = [];
    return events;
  }

  /** @returns what has to be handed on again, in order */
  end(isAwaited: (chain: string) => boolean): ChainEvent[] {
    this.#takeRows(this.#settings.start);
    const events = this.unsure();
    const { open, processes } = this.#assembler;
    // Whoever waits for what such a run says asks for all of it.
    const ofSpans = [...open].flatMap(({ emitted }) => emitted ?? []).filter(({ chain }) => isAwaited(chain));
    const told = processes.awaited(isAwaited).flatMap(({ run }) => run ?? []);
    const again: ChainEvent[] = [];
    for (const run of [...ofSpans, ...told]) emit(undefined, statementsOf(run), (event) => again.push(event));
    // As they were, and not as they are concluded to have been from what the run is now.
    const exact = new Set(events.map(({ eventId }) => eventId));
    return [...again.filter(({ eventId }) => !exact.has(eventId)), ...events];
  }

  /** The facts that are taken with an entry, if it is one of facts. */
  async #factsOf(entry: Entry): Promise<Facts | 'unreadable' | undefined> {
    if (entry.kind === 'facts') return entry;
    if (entry.kind === 'received') {
      try {
        const facts = await this.#settings.read(entry.received);
        const timed = entry.window ? withinWindow(facts, entry.window).facts : facts;
        return this.#take(sentBy(entry.received, timed), entry.count);
      } catch {
        return 'unreadable';
      }
    }
    if (entry.kind !== 'more') return undefined;
    return this.#rest ? this.#take(this.#rest, entry.count) : 'unreadable';
  }

  #take(facts: Facts, count: number): Facts {
    const rest = countOf(facts) - count;
    if (rest > 0) this.#rest = someOf(facts, count, rest);
    return someOf(facts, 0, count);
  }

  #apply(place: number, entry: Entry, facts: Facts | undefined, out: Outcome): void {
    const now = this.#settings.elapsed();
    if (entry.kind !== '0.1') this.#takeRows(place);
    switch (entry.kind) {
      case '0.1':
        this.#rows.push(entry);
        break;
      case 'received':
      case 'more':
      case 'facts':
        if (facts) takeFacts(this.#assembler, facts, now, out, () => {});
        break;
      case 'emitted':
        this.#unsure = this.#unsure.filter((unsure) => unsure.place > entry.upTo);
        break;
      case 'carries':
      case 'carried':
      case 'carried_all':
      case 'made_room':
        break;
      default:
        try {
          this.#assembler.take(entry, now, out);
        } catch {
          // What could not be taken then cannot be taken now; it was counted then.
        }
    }
  }

  #takeRows(place: number): void {
    if (this.#rows.length === 0) return;
    const out = noOutcome();
    restoreFrom01(this.#assembler, this.#rows, this.#settings.elapsed(), out);
    this.#rows = [];
    this.#unsure.push({ place: place - 1, events: out.events });
  }
}
