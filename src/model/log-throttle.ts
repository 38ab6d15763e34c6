import { type Clock, systemClock } from './clock.ts';

/** Milliseconds between two log lines about the same thing. */
const INTERVAL = 60_000;
/** How many subjects are told apart; beyond that all are forgotten, and one line too many may be written. */
const MAX_KEYS = 1_000;

interface Subject {
  /** When the next line may be written. */
  next: number;
  /** How much has come since the last line. */
  unsaid: number;
}

/** Decides when a log line is due: at once the first time, and then at most once a minute for each subject. */
export class LogThrottle {
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #subjects = new Map<string, Subject>();

  constructor(clock: Pick<Clock, 'elapsed'> = systemClock) {
    this.#clock = clock;
  }

  /** Milliseconds until a line about a subject is due; 0 if it is due now. */
  dueIn(key: string): number {
    return Math.max(0, (this.#subjects.get(key)?.next ?? 0) - this.#clock.elapsed());
  }

  /**
   * Counts one more occurrence.
   * @returns how many occurrences a line should report now; 0 if no line is due yet
   */
  take(key: string): number {
    const subject = this.#subject(key);
    subject.unsaid += 1;
    if (this.dueIn(key) > 0) return 0;
    const { unsaid } = subject;
    this.written(key);
    return unsaid;
  }

  /** A line about a subject has been written, whether or not it was due: the next one is due in a minute. */
  written(key: string): void {
    const subject = this.#subject(key);
    subject.next = this.#clock.elapsed() + INTERVAL;
    subject.unsaid = 0;
  }

  #subject(key: string): Subject {
    const known = this.#subjects.get(key);
    if (known) return known;
    if (this.#subjects.size >= MAX_KEYS) this.#subjects.clear();
    const subject = { next: 0, unsaid: 0 };
    this.#subjects.set(key, subject);
    return subject;
  }
}
