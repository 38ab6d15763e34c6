import { z } from 'zod';
import type { DeliverySettings } from '../delivery/delivery-policy.ts';
import { delay, periodOrNone } from '../model/options/duration.ts';
import { section } from '../model/options/section.ts';

const retry = z
  .strictObject({
    initial_interval: delay().optional(),
    max_interval: delay().optional(),
    max_elapsed_time: periodOrNone().optional(),
    max_attempts: z.int().min(0).optional(),
  })
  .refine(({ initial_interval = 0, max_interval = Infinity }) => initial_interval <= max_interval, {
    path: ['initial_interval'],
    error: 'must be at most max_interval',
  });

const circuitBreaker = z.strictObject({
  failures: z.int().min(1).optional(),
  pause: delay().optional(),
});

/**
 * How a tracer's calls are made and made again (`tracers.<name>.delivery`). It is only checked here: what is left
 * out depends on the tracer, and the bridge fills it in.
 */
export const delivery = z.strictObject({
  concurrency: z.int().min(1).max(100_000).optional(),
  timeout: delay().optional(),
  retry: section(retry).optional(),
  retry_false: z.boolean().optional(),
  chain_wait: periodOrNone().optional(),
  circuit_breaker: section(circuitBreaker).optional(),
  chain_lost: z.boolean().optional(),
});

/** A checked `delivery` section. */
export type DeliveryConfig = z.output<typeof delivery>;

/** Turns a checked `delivery` section into the bridge's words. */
export function deliverySettings({
  concurrency,
  timeout,
  retry,
  retry_false: retryFalse,
  chain_wait: chainWait,
  circuit_breaker: circuitBreaker,
  chain_lost: chainLost,
}: DeliveryConfig): DeliverySettings {
  return {
    concurrency,
    timeout,
    retry: retry && {
      initialInterval: retry.initial_interval,
      maxInterval: retry.max_interval,
      maxElapsedTime: retry.max_elapsed_time,
      maxAttempts: retry.max_attempts,
    },
    retryFalse,
    chainWait,
    circuitBreaker,
    chainLost,
  };
}
