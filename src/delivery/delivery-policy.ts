import { VconOtelError } from '../model/error.ts';

/** How a failed call is made again; the words are those of the OpenTelemetry Collector's `retry_on_failure`. */
export interface RetrySettings {
  /** Milliseconds; the first wait is a random part of it, and it doubles with each attempt. Default 1,000. */
  readonly initialInterval?: number | undefined;
  /** Milliseconds beyond which it does not grow. Default 60,000. */
  readonly maxInterval?: number | undefined;
  /**
   * Milliseconds after the first attempt in which others may begin; 0: no limit. Default 15 minutes, and no limit for a
   * tracer whose trail must have no gaps (`audit` in its definition).
   */
  readonly maxElapsedTime?: number | undefined;
  /** Attempts in all; 0: no limit. Default 0. */
  readonly maxAttempts?: number | undefined;
}

/** When a tracer is left alone because it does not answer. */
export interface CircuitBreakerSettings {
  /** Attempts that failed in a row. Default 20; without end for a tracer that chains wait for, which are to be told. */
  readonly failures?: number | undefined;
  /** Milliseconds until it is tried with a single event; doubles, up to `maxInterval`, while that fails. Default 10,000. */
  readonly pause?: number | undefined;
}

/** How events are delivered to one tracer. */
export interface DeliverySettings {
  /** Runs that the tracer may have in hand at once, 1 to 100,000. Default 256. */
  readonly concurrency?: number | undefined;
  /** Milliseconds that a single call may take. Default 30,000. */
  readonly timeout?: number | undefined;
  readonly retry?: RetrySettings | undefined;
  /** Whether a `run` that answers `false` is a failure like others. Default false: it is counted and not made again. */
  readonly retryFalse?: boolean | undefined;
  /**
   * Milliseconds for which a chain waits at a step for a tracer with `dlq_vcon_on_error`, before its vCon goes to the dead
   * letters; 0: no limit. The event is tried on, as `retry` says. Default 60,000.
   */
  readonly chainWait?: number | undefined;
  readonly circuitBreaker?: CircuitBreakerSettings | undefined;
  /** False: it does not hear `chain_lost`, which the conserver does not document, and so no end of such a run. Default true. */
  readonly chainLost?: boolean | undefined;
}

/** {@link DeliverySettings} with nothing left open. */
export interface DeliveryPolicy {
  readonly concurrency: number;
  readonly timeout: number;
  readonly retry: Complete<RetrySettings>;
  readonly retryFalse: boolean;
  readonly chainWait: number;
  readonly circuitBreaker: Complete<CircuitBreakerSettings>;
  readonly chainLost: boolean;
}

type Complete<Settings> = { readonly [Key in keyof Settings]-?: NonNullable<Settings[Key]> };

/** The longest a Node timer can wait. */
const MAX_TIMER = 2_147_483_647;
const QUARTER_HOUR = 900_000;

/**
 * Merges the defaults in.
 * @param tracer its name, for the error
 * @param audit whether the tracer's trail must have no gaps
 * @param failClosed whether chains wait for the tracer
 * @throws VconOtelError `CONFIG_INVALID` naming the first key that makes no sense
 */
export function deliveryPolicy(
  tracer: string,
  {
    concurrency = 256,
    timeout = 30_000,
    retry = {},
    retryFalse = false,
    chainWait = 60_000,
    circuitBreaker = {},
    chainLost = true,
  }: DeliverySettings,
  { audit = false, failClosed = false }: { readonly audit?: boolean; readonly failClosed?: boolean } = {},
): DeliveryPolicy {
  // A default gives way to what was said about its neighbour.
  const { initialInterval = Math.min(1_000, retry.maxInterval ?? 1_000), maxAttempts = 0 } = retry;
  const { maxInterval = Math.max(60_000, initialInterval), maxElapsedTime = audit ? 0 : QUARTER_HOUR } =
    retry;
  const { failures = failClosed ? Number.MAX_SAFE_INTEGER : 20, pause = 10_000 } = circuitBreaker;
  const interval = between(1, MAX_TIMER);
  const checks: readonly (readonly [string, unknown, Check])[] = [
    ['concurrency', concurrency, whole(1, 100_000)],
    ['timeout', timeout, interval],
    ['retry.initialInterval', initialInterval, interval],
    ['retry.maxInterval', maxInterval, between(initialInterval, MAX_TIMER)],
    ['retry.maxElapsedTime', maxElapsedTime, between(0, Number.MAX_SAFE_INTEGER)],
    ['retry.maxAttempts', maxAttempts, whole(0, Number.MAX_SAFE_INTEGER)],
    ['retryFalse', retryFalse, FLAG],
    ['chainLost', chainLost, FLAG],
    ['chainWait', chainWait, between(0, Number.MAX_SAFE_INTEGER)],
    ['circuitBreaker.failures', failures, whole(1, Number.MAX_SAFE_INTEGER)],
    ['circuitBreaker.pause', pause, interval],
  ];
  for (const [key, value, { words, holds }] of checks)
    if (!holds(value)) {
      const path = `tracers.${tracer}.delivery.${key}`;
      throw new VconOtelError('CONFIG_INVALID', `${path}: expected ${words}`, { path });
    }
  return {
    concurrency,
    timeout,
    retry: { initialInterval, maxInterval, maxElapsedTime, maxAttempts },
    retryFalse,
    chainWait,
    circuitBreaker: { failures, pause },
    chainLost,
  };
}

interface Check {
  readonly words: string;
  holds(value: unknown): boolean;
}

const FLAG: Check = { words: 'true or false', holds: (value) => typeof value === 'boolean' };

function between(least: number, most: number): Check {
  return {
    words: `a number from ${least} to ${most}`,
    holds: (value) => typeof value === 'number' && value >= least && value <= most,
  };
}

function whole(least: number, most: number): Check {
  const { words, holds } = between(least, most);
  return { words: `${words}, whole`, holds: (value) => holds(value) && Number.isInteger(value) };
}
