/** How many refusals of one request make its event be given up. */
const MOST = 3;
/** How many events are remembered; beyond that, the oldest are counted anew. */
const MAX_EVENTS = 100_000;

/**
 * Counts how often the requests of an event were refused in a way that a repeat is unlikely to change (401, 403, 404), but
 * may: a proxy that is restarting can answer like this. Delivery repeats events without knowing why.
 */
export class Refusals {
  readonly #counts = new Map<string, Map<string, number>>();

  /**
   * Counts one more.
   * @param request which of an event's requests it was
   * @returns whether that was the last one: the event should be given up, and is forgotten here
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

  /** The event has been accepted, or given up. */
  forget(eventId: string): void {
    this.#counts.delete(eventId);
  }
}
