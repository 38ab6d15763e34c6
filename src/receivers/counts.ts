/** What can happen to a span, a record or a request that arrives. */
export const RECEIVER_OUTCOMES = {
  spans: ['accepted', 'ignored', 'rejected'],
  records: ['accepted', 'duplicate', 'late', 'rejected', 'set_aside', 'lost'],
  /** For signals that are accepted but not used, so that one endpoint can be configured for all. */
  other: ['metrics', 'logs'],
} as const;

type Kind = keyof typeof RECEIVER_OUTCOMES;

/** Counts what arrived, for metrics, `/readyz` and the final counts of `serve`. */
export class ReceiverCounts {
  readonly #counts = new Map<string, number>();

  add<K extends Kind>(kind: K, outcome: (typeof RECEIVER_OUTCOMES)[K][number], count = 1): void {
    const key = `${kind} ${outcome}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
  }

  /** All counts of a kind. */
  all<K extends Kind>(kind: K): Readonly<Record<(typeof RECEIVER_OUTCOMES)[K][number], number>> {
    const outcomes: readonly (typeof RECEIVER_OUTCOMES)[K][number][] = RECEIVER_OUTCOMES[kind];
    const counts = outcomes.map((outcome) => [outcome, this.of(kind, outcome)]);
    return Object.fromEntries(counts);
  }

  of<K extends Kind>(kind: K, outcome: (typeof RECEIVER_OUTCOMES)[K][number]): number {
    return this.#counts.get(`${kind} ${outcome}`) ?? 0;
  }
}
