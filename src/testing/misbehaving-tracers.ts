import type { LoadedTracer } from '../delivery/create-tracer.ts';

const DELIVERY = {
  timeout: 5,
  retry: { initialInterval: 1, maxInterval: 2, maxAttempts: 2 },
  circuitBreaker: { failures: Number.MAX_SAFE_INTEGER },
};

const ACTS: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error('on purpose');
  },
  rejects: () => Promise.reject(new Error('on purpose')),
  hangs: () => new Promise(() => undefined),
  refuses: () => false,
};

/** Tracers that misbehave, each in its own way. */
export const MISBEHAVING: readonly LoadedTracer[] = Object.entries(ACTS).map(([name, act]) => ({
  name,
  module: { trace: act, run: act },
  delivery: DELIVERY,
}));
