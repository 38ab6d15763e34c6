import type { LoadedConfig } from '../config/load-config.ts';
import type { IsConfigured } from '../exporters/index.ts';
import { configuredChains } from './configured-chains.ts';
import type { ConserverChains } from './conserver-chains.ts';

/** Whether a configuration, ours or the Python server's, names a chain or a step of it. */
export function isConfiguredIn(current: () => LoadedConfig, conserver: ConserverChains): IsConfigured {
  const chains = configuredChains(current, conserver);
  return ({ stage, chain, name }) => {
    const found = chains().get(chain);
    if (found === undefined || stage === 'chain') return found !== undefined;
    return (stage === 'link' ? found.links : found.storages)?.includes(name) ?? false;
  };
}
