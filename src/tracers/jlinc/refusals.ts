import { DeliveryError, retryHints } from '../../model/delivery-error.ts';

/**
 * A request was answered in a way that a repeat hardly changes (401, 403, 404 …, or something that is not JSON), yet may:
 * a proxy that is being restarted answers so.
 */
export class RefusedError extends DeliveryError {
  readonly code: string;
  readonly request: string;

  constructor(request: string, code: string, permanent = false) {
    super(`JLINC refused a request (${code})`, { permanent });
    this.name = 'RefusedError';
    this.code = code;
    this.request = request;
  }
}

/** Refusals of one request after which its event is given up. */
const MAX_REFUSALS = 3;
/** Events that may be under way with a refusal; beyond it the oldest are counted anew. */
const MAX_EVENTS = 100_000;

/** Counts how often the requests of an event were refused. Events are repeated by the bridge, which does not know why. */
export class Refusals {
  readonly #counts = new Map<string, Map<string, number>>();

  /** What to throw for a failed attempt at an event: the third refusal of a request is permanent. */
  judge(eventId: string, error: unknown): unknown {
    if (!(error instanceof RefusedError)) {
      if (retryHints(error).permanent) this.forget(eventId);
      return error;
    }
    const counts = this.#counts.get(eventId) ?? new Map<string, number>();
    const count = (counts.get(error.request) ?? 0) + 1;
    if (count >= MAX_REFUSALS) {
      this.forget(eventId);
      return new RefusedError(error.request, error.code, true);
    }
    if (counts.size === 0 && this.#counts.size >= MAX_EVENTS)
      for (const oldest of this.#counts.keys()) {
        this.#counts.delete(oldest);
        break;
      }
    this.#counts.set(eventId, counts.set(error.request, count));
    return error;
  }

  /** The event has been recorded, or given up. */
  forget(eventId: string): void {
    this.#counts.delete(eventId);
  }
}
