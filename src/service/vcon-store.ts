import type { Config } from '../config.ts';
import type { VconStore } from '../model/vcon.ts';
import { directoryVconStore, memoryVconStore, redisVconStore } from '../vcon-store/index.ts';

/** Opens the store that the configuration names. */
export function openVconStore(config: Config['vcon_store']): VconStore {
  switch (config.type) {
    case 'redis':
      return redisVconStore({ url: config.url });
    case 'directory':
      return directoryVconStore({ path: config.path });
    case 'memory':
      return memoryVconStore();
  }
}
