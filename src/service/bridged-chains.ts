import type { LoadedConfig } from '../config/load-config.ts';
import type { ConserverChains } from './conserver-chains.ts';
import type { TracerSpanProcessorSettings } from './tracer-span-processor-settings.ts';

/**
 * What the bridge is to know of the chains that are configured, here or in the Python server's file.
 * @param always tracers that hear every chain, whatever its list of tracers says
 */
export function bridgedChains(
  { config }: LoadedConfig,
  conserver: ConserverChains,
  always: readonly string[],
): Pick<TracerSpanProcessorSettings, 'chains' | 'isKnownChain'> {
  const configured = Object.entries(config.chains);
  // Who names no chain wants every one to be heard, and nothing to be said about it.
  if (configured.length === 0) return {};
  const chains = configured.map(([name, { links, tracers }]) => [
    name,
    { links, tracers: tracers && [...tracers, ...always] },
  ]);
  return {
    chains: Object.assign(Object.create(null), Object.fromEntries(chains)),
    isKnownChain: (chain) => conserver.get(chain) !== undefined,
  };
}
