import type { EventLogObserver, EventLogState, JournalTrouble } from './event-log.ts';

/** The observers of a log. Troubles that nobody has heard are kept for the first observer. */
export class Observers {
  readonly #observers = new Set<EventLogObserver>();
  #state: EventLogState;
  #untold: [JournalTrouble, string][] = [];

  constructor(state: EventLogState) {
    this.#state = state;
  }

  get state(): EventLogState {
    return this.#state;
  }

  add(observer: EventLogObserver): () => void {
    this.#observers.add(observer);
    observer.onState?.(this.#state);
    if (observer.onTrouble) for (const trouble of this.#untold.splice(0)) observer.onTrouble(...trouble);
    return () => void this.#observers.delete(observer);
  }

  /** Reports a change, if there is one. */
  changed(news: Partial<EventLogState>): void {
    const before = this.#state;
    const { full, room, failing, size } = { ...before, ...news };
    const isSame =
      full === before.full &&
      room === before.room &&
      failing === before.failing &&
      size?.used === before.size?.used;
    if (isSame) return;
    this.#state = { full, room, failing, size };
    for (const observer of this.#observers) observer.onState?.(this.#state);
  }

  trouble(trouble: JournalTrouble, detail: string): void {
    const listening = [...this.#observers].filter(({ onTrouble }) => onTrouble);
    if (listening.length === 0) this.#untold.push([trouble, detail]);
    for (const observer of listening) observer.onTrouble?.(trouble, detail);
  }
}
