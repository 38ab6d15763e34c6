import { OutgoingError } from '../../outgoing/failure.ts';

/** Attempts at an event that may be refused in these ways before it is given up. */
const ATTEMPTS = 3;
/**
 * What a service also answers while it is set up or its keys are changed, and 409 while the first request of an
 * `Idempotency-Key` is still being processed (draft-ietf-httpapi-idempotency-key-header).
 */
const MAY_PASS = ['HTTP_401', 'HTTP_403', 'HTTP_404', 'HTTP_409'];
/** Events that are remembered; the oldest is forgotten, and has its attempts anew. */
const MAX_EVENTS = 10_000;

/** Remembers how often each event was refused, and says from when on that is final. */
export class Patience {
  readonly #refusals = new Map<string, number>();

  /** The service has taken an event. */
  answered(eventId: string): void {
    this.#refusals.delete(eventId);
  }

  /** What to throw for a failed event: the error itself, or one like it that may pass. */
  judge(eventId: string, error: unknown): unknown {
    if (!(error instanceof OutgoingError && MAY_PASS.includes(error.code))) return error;
    const refusals = (this.#refusals.get(eventId) ?? 0) + 1;
    this.#refusals.delete(eventId);
    if (refusals >= ATTEMPTS) return error;
    this.#refusals.set(eventId, refusals);
    const [oldest] = this.#refusals.keys();
    if (this.#refusals.size > MAX_EVENTS && oldest !== undefined) this.#refusals.delete(oldest);
    return new OutgoingError(error.code, error.message, { cause: error });
  }
}
