import type { Fault } from '../model/fault.ts';
import { explain } from '../model/options/explain.ts';
import { redisUrl } from '../model/options/redis-url.ts';
import { isEmptySection } from '../model/options/section.ts';
import { isMapping } from './check.ts';
import type { Env } from './interpolate.ts';

/** The variable that names the Python server's Redis. */
const VARIABLE = 'REDIS_URL';
/** Where the server looks for it otherwise. */
const DEFAULT_URL = 'redis://localhost:6379';

/** The vCon store of a file that names none: what is known of the conserver's Redis. */
export interface ConserverStore {
  readonly redis: { readonly type: 'redis'; readonly url: string } | undefined;
  /** The variables that were heard. */
  readonly heard: readonly string[];
  readonly faults: readonly Fault[];
}

/**
 * Where documents are looked up if a file does not say: in the Redis of the Python server's `REDIS_URL`, else, for a file that
 * names the server's configuration, where the server itself looks for its Redis.
 */
export function conserverStore(raw: unknown, env: Env): ConserverStore {
  const none = { redis: undefined, heard: [], faults: [] };
  const written = isMapping(raw) ? raw : {};
  if (!isEmptySection(written.vcon_store)) return none;
  const url = Object.hasOwn(env, VARIABLE) ? env[VARIABLE]?.trim() : undefined;
  if (url) {
    const issue = redisUrl.safeParse(url).error?.issues[0];
    if (issue) return { ...none, faults: [{ path: VARIABLE, message: explain({ ...issue }) }] };
    return { ...none, redis: { type: 'redis', url }, heard: [VARIABLE] };
  }
  return typeof written.conserver_config === 'string'
    ? { ...none, redis: { type: 'redis', url: DEFAULT_URL } }
    : none;
}
