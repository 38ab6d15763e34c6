import type { ConfiguredChain } from '../assembly/configured-chains.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import type { ConserverChains } from './conserver-chains.ts';

/**
 * What is configured of chains, for whoever makes runs of what is heard: as the Python server's file has it, else as ours
 * has; the timeout is ours. The same map as long as nothing changes.
 */
export function configuredChains(
  current: () => LoadedConfig,
  conserver: ConserverChains,
): () => ReadonlyMap<string, ConfiguredChain> {
  let seen: readonly [LoadedConfig, ReadonlyMap<string, object>] | undefined;
  let chains: ReadonlyMap<string, ConfiguredChain> = new Map();
  return () => {
    const loaded = current();
    const theirs = conserver.all();
    if (seen?.[0] === loaded && seen[1] === theirs) return chains;
    seen = [loaded, theirs];
    const ours = new Map(
      Object.entries(loaded.config.chains).map(([name, { links, storages, timeout }]) => [
        name,
        { links, storages, timeout: timeout && timeout * 1e3 },
      ]),
    );
    const merged = new Map<string, ConfiguredChain>(ours);
    for (const [name, { links, storages }] of theirs)
      merged.set(name, { ...ours.get(name), links, storages });
    chains = merged;
    return chains;
  };
}
