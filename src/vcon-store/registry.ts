import directory from './directory.ts';
import memory from './memory.ts';
import redis from './redis.ts';

/** The vCon stores that come with the package, by their type in a configuration. What they need is loaded when they are made. */
export const builtInVconStores = { redis, directory, memory };

/** The type of a store of which nothing is written. */
export const DEFAULT_VCON_STORE = 'memory';
