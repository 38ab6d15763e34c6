import type { BuiltInVconStore } from '../vcon-store/built-in-vcon-store.ts';
import { builtInVconStores } from '../vcon-store/registry.ts';
import type { Config } from './schema.ts';

/** The Redis that the vCon store uses, if it does: whoever names none of its own uses the same. */
export function redisUrlOf(store: Config['vcon_store']): string | undefined {
  if (store.type === 'module') return undefined;
  const { redisUrl }: BuiltInVconStore = builtInVconStores[store.type];
  return redisUrl?.(store);
}
