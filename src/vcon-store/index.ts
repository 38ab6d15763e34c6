export {
  type DirectoryVconStoreSettings,
  directoryVconStore,
  type ListedVcon,
  listVcons,
} from './directory.ts';
export { type MemoryVconStore, type MemoryVconStoreSettings, memoryVconStore } from './memory.ts';
export { type RedisVconStoreSettings, redisVconStore } from './redis.ts';
