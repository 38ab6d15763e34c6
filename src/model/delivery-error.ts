/** What a tracer may say about a call that failed. */
export interface DeliveryErrorDetails {
  /** True: the same call would fail again, so it is not made again. */
  readonly permanent?: boolean;
  /**
   * The earliest time to try again: seconds, or a `Retry-After` header as received (RFC 9110 §10.2.3: seconds or a
   * date). An unreadable one is ignored.
   */
  readonly retryAfter?: number | string | null | undefined;
  /** The original error. It is never logged. */
  readonly cause?: unknown;
}

/**
 * What a tracer throws, or rejects with, to say how to treat its failed call. A tracer with nothing to say may throw any
 * other error; any object with the properties `permanent` and `retryAfter` is understood as well.
 */
export class DeliveryError extends Error {
  readonly permanent: boolean;
  /** Seconds from when the error was created. */
  readonly retryAfter: number | undefined;

  constructor(message: string, details: DeliveryErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.name = 'DeliveryError';
    this.permanent = details.permanent === true;
    this.retryAfter = secondsOf(details.retryAfter);
  }
}

/** What a failed call says about the next one. */
export interface RetryHints {
  readonly permanent: boolean;
  /** Seconds; 0 if the error says nothing. */
  readonly retryAfter: number;
}

/** Reads the properties of {@link DeliveryError} off anything that was thrown. Never throws, whatever its getters do. */
export function retryHints(error: unknown): RetryHints {
  try {
    if (typeof error !== 'object' || error === null) return NO_HINTS;
    const { permanent, retryAfter } = error as { permanent?: unknown; retryAfter?: unknown };
    return {
      permanent: permanent === true,
      retryAfter: (typeof retryAfter === 'number' ? secondsOf(retryAfter) : undefined) ?? 0,
    };
  } catch {
    return NO_HINTS;
  }
}

const NO_HINTS: RetryHints = { permanent: false, retryAfter: 0 };

function secondsOf(retryAfter: DeliveryErrorDetails['retryAfter']): number | undefined {
  if (typeof retryAfter === 'number')
    return Number.isFinite(retryAfter) && retryAfter >= 0 ? retryAfter : undefined;
  if (typeof retryAfter !== 'string') return undefined;
  const text = retryAfter.trim();
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const date = httpDate(text);
  return date === undefined ? undefined : Math.max(0, date - Date.now()) / 1e3;
}

/** RFC 9110 §5.6.7: the current form and the two obsolete ones, of which the last does not name its time zone. */
const DATES: readonly { readonly form: RegExp; readonly zone: string }[] = [
  { form: /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/, zone: '' },
  { form: /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/, zone: '' },
  { form: /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/, zone: ' GMT' },
];

function httpDate(text: string): number | undefined {
  const date = DATES.find(({ form }) => form.test(text));
  const time = date ? Date.parse(text + date.zone) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
