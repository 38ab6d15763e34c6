import type { Env } from './interpolate.ts';

/**
 * The environment of a thread in which a tracer runs: the process's own but for `NODE_OPTIONS`, because what that preloads may
 * be what has just started the tracers.
 */
export function threadEnvironment({ NODE_OPTIONS: _, ...env }: Env = process.env): Env {
  return env;
}
