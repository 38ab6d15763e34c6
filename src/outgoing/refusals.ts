/** Refusals of one request after which its event is given up. */
const MOST = 3;
/** Events that are remembered; beyond it the oldest are counted anew. */
const MAX_EVENTS = 100_000;

/**
 * Counts how often the requests of an event were refused in a way that a repeat hardly changes (401, 403, 404), yet may: a
 * proxy that is being restarted answers so. Events are repeated by the bridge, which does not know why.
 */
export class Refusals {
  readonly #counts = new Map<string, Map<string, number>>();

  /**
   * Counts one more.
   * @param request which of an event's requests it was
   * @returns whether that is final: the event is to be given up, and is forgotten
   */
  isLast(eventId: string, request: string): boolean {
    const counts = this.#counts.get(eventId) ?? new Map<string, number>();
    const count = (counts.get(request) ?? 0) + 1;
    if (count >= MOST) {
      this.forget(eventId);
      return true;
    }
    this.#counts.set(eventId, counts.set(request, count));
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > MAX_EVENTS && oldest !== undefined) this.#counts.delete(oldest);
    return false;
  }

  /** The event has been taken, or given up. */
  forget(eventId: string): void {
    this.#counts.delete(eventId);
  }
}
