export {
  type DirectoryVconStoreSettings,
  directoryVconStore,
  type ListedVcon,
  listVcons,
} from './directory/directory-vcon-store.ts';
export { type MemoryVconStore, type MemoryVconStoreSettings, memoryVconStore } from './memory.ts';
export { type RedisVconStoreSettings, redisVconStore } from './redis/redis-vcon-store.ts';
