import { type ConfigReading, located } from '../config/load-config.ts';
import type { Fault } from '../model/fault.ts';
import { exportersOf, tracersOf, vconStoreOf } from './components.ts';
import { componentFaults } from './named-component.ts';

/** Everything that is wrong with a configuration: what its schema finds, and what the modules that it names say of their options. */
export async function configFaults({ loaded, faults }: ConfigReading): Promise<readonly Fault[]> {
  if (!loaded) return faults;
  const components = [...tracersOf(loaded), vconStoreOf(loaded), ...exportersOf(loaded)];
  const found = await Promise.all(components.map(componentFaults));
  const known = new Set(faults.map(({ path }) => path));
  const others = found.flat().filter(({ path }) => !known.has(path));
  return [...faults, ...located(others, loaded.placeOf)];
}
