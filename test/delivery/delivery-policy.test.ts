import { describe, expect, test } from 'vitest';
import { createTracer } from '../../src/delivery/create-tracer.ts';
import { deliveryPolicy } from '../../src/delivery/delivery-policy.ts';
import type { TracerModule } from '../../src/model/tracer.ts';
import { emptyVconStore } from '../../src/model/vcon.ts';

describe('how events are delivered', () => {
  test('has a default for everything', () => {
    expect(deliveryPolicy('a', {})).toEqual({
      concurrency: 256,
      timeout: 30_000,
      retry: { initialInterval: 1_000, maxInterval: 60_000, maxElapsedTime: 900_000, maxAttempts: 0 },
      retryFalse: false,
      chainWait: 60_000,
      circuitBreaker: { failures: 20, pause: 10_000 },
      chainLost: true,
    });
  });

  test('is as it was said, and otherwise as it is by default', () => {
    const policy = deliveryPolicy('a', {
      concurrency: 2,
      retry: { maxAttempts: 3 },
      circuitBreaker: { pause: 5 },
      retryFalse: true,
    });
    expect(policy).toMatchObject({
      concurrency: 2,
      timeout: 30_000,
      retry: { initialInterval: 1_000, maxAttempts: 3 },
      retryFalse: true,
      circuitBreaker: { failures: 20, pause: 5 },
    });
  });

  test('a default gives way where its neighbour was given', () => {
    expect(deliveryPolicy('a', { retry: { maxInterval: 5 } }).retry.initialInterval).toBe(5);
    expect(deliveryPolicy('a', { retry: { initialInterval: 90_000 } }).retry.maxInterval).toBe(90_000);
  });

  test('a tracer whose trail must have no gaps has no limit of time, unless it is given one', () => {
    const retryOf = (module: TracerModule, delivery = {}) => {
      const tracer = createTracer({ name: 'a', module, delivery }, { vcons: emptyVconStore });
      return 'delivery' in tracer ? tracer.delivery.retry.maxElapsedTime : undefined;
    };
    const audit = { audit: true, create: () => ({ trace: () => {} }) };
    expect(retryOf(audit)).toBe(0);
    expect(retryOf(audit, { retry: { maxElapsedTime: 60_000 } })).toBe(60_000);
    expect(retryOf({ ...audit, audit: false })).toBe(900_000);
    expect(retryOf({ trace: () => {} })).toBe(900_000);
  });
});

describe('what makes no sense is refused by its path', () => {
  test.each([
    ['concurrency', { concurrency: 0 }],
    ['concurrency', { concurrency: 1.5 }],
    ['concurrency', { concurrency: 100_001 }],
    ['timeout', { timeout: Number.NaN }],
    ['timeout', { timeout: 2_147_483_648 }],
    ['retry.initialInterval', { retry: { initialInterval: 0 } }],
    ['retry.maxInterval', { retry: { initialInterval: 10, maxInterval: 5 } }],
    ['retry.maxElapsedTime', { retry: { maxElapsedTime: -1 } }],
    ['retry.maxAttempts', { retry: { maxAttempts: 0.5 } }],
    ['circuitBreaker.failures', { circuitBreaker: { failures: 0 } }],
    ['circuitBreaker.pause', { circuitBreaker: { pause: Number.POSITIVE_INFINITY } }],
    ['chainWait', { chainWait: -1 }],
    ['retryFalse', { retryFalse: 'canary' as unknown as boolean }],
    ['chainLost', { chainLost: 'canary' as unknown as boolean }],
    ['timeout', { timeout: 'canary' as unknown as number }],
  ])('%s of %j', (key, delivery) => {
    const path = `tracers.mine.delivery.${key}`;
    const refused = () => deliveryPolicy('mine', delivery);
    expect(refused).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', path }));
    expect(refused).not.toThrow(/canary/);
  });

  test('before the tracer is made', () => {
    let made = 0;
    const create = () => {
      made += 1;
      return { trace: () => {} };
    };
    const entry = { name: 'mine', module: { create }, delivery: { timeout: 0 } };
    expect(() => createTracer(entry, { vcons: emptyVconStore })).toThrow('tracers.mine.delivery.timeout');
    expect(made).toBe(0);
  });
});
