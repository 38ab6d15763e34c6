import { DeliveryError, type DeliveryErrorDetails } from '../model/delivery-error.ts';
import { errorType } from '../model/error.ts';
import type { HttpAnswer } from './http-answer.ts';
import { isRetriedStatus } from './retried-status.ts';

/**
 * A failed call to a service. `code` is what logs and metrics show as `error.type`: `HTTP_503`, `TIMEOUT`,
 * `ADDRESS_REFUSED`, `ANSWER_TOO_LARGE`, or the system's own, such as `ECONNREFUSED`. Messages hold no url, no header and
 * no body, because anything that a service answers may quote a key.
 */
export class OutgoingError extends DeliveryError {
  readonly code: string;

  constructor(code: string, message: string, details: DeliveryErrorDetails = {}) {
    super(message, details);
    this.name = 'OutgoingError';
    this.code = code;
  }
}

/**
 * What to throw for an unsuccessful answer; undefined for a 2xx. Failures that a second attempt may fix are retried, not
 * before their `Retry-After`; everything else is permanent.
 */
export function statusFailure({
  status,
  headers,
}: Pick<HttpAnswer, 'status' | 'headers'>): OutgoingError | undefined {
  if (status >= 200 && status < 300) return undefined;
  return new OutgoingError(`HTTP_${status}`, `the service answered with status ${status}`, {
    permanent: !isRetriedStatus(status),
    retryAfter: headers['retry-after'],
  });
}

/** What to throw if no whole answer came: the connection broke or was refused, the name was not found, the answer was cut short. */
export function networkFailure(error: unknown): OutgoingError {
  if (error instanceof OutgoingError) return error;
  // If a name has several addresses, all of them failed.
  const reason = error instanceof AggregateError ? error.errors[0] : error;
  const code = errorType(reason);
  return new OutgoingError(
    CODE.test(code) ? code : 'NETWORK_FAILED',
    `the service could not be reached (${code})`,
  );
}

const CODE = /^[A-Z][A-Z0-9_]+$/;
