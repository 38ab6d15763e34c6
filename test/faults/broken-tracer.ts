import type { ConserverTracer } from '../../src/index.ts';
import { CallsInOrder, tracerOf } from './calls-in-order.ts';
import { randomOf } from './random.ts';

/** How often a tracer failed, and how. */
export interface Failures {
  threw: number;
  rejected: number;
  /** Never answered. */
  hung: number;
}

/** A tracer that fails every second call, at random. */
export function brokenTracer(
  runs: number,
  seed: number,
): { readonly tracer: ConserverTracer; readonly calls: CallsInOrder; readonly failures: Failures } {
  const calls = new CallsInOrder(runs);
  const failures: Failures = { threw: 0, rejected: 0, hung: 0 };
  // Each run its own: the seed does not decide how runs mix.
  const randoms = Array.from({ length: runs }, (_, run) => randomOf(seed + run));
  const tracer = tracerOf((call, event) => {
    const run = calls.made(call, event);
    const random = randoms[run] ?? Math.random;
    if (random() < 0.5) return fail(random(), failures);
    calls.answered(run);
    // Not later: on a slow machine the end of its time could come before the answer.
    return random() < 0.5 ? true : Promise.resolve(true);
  });
  return { tracer, calls, failures };
}

function fail(how: number, failures: Failures): Promise<never> {
  if (how < 0.1) {
    failures.hung += 1;
    return new Promise(() => {});
  }
  if (how < 0.55) {
    failures.threw += 1;
    throw new Error('on purpose');
  }
  failures.rejected += 1;
  return Promise.reject(new Error('on purpose'));
}
