import type { LoadedConfig } from '../config/load-config.ts';

/** Whether a configuration's store has no documents: a memory that nobody but this process knows, and nobody here writes to. */
export function hasEmptyStore({ config }: LoadedConfig): boolean {
  return config.vcon_store.type === 'memory';
}

/** What to say of a tracer that looks up documents in such a store. */
export const NO_VCONS =
  'it looks up vCons, and vcon_store is a memory with none in it: add vcon_store: { type: redis, url: "redis://127.0.0.1:6379" }, with the conserver\'s Redis, or set REDIS_URL; a program hands in `vcons`';
