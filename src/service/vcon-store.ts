import type { MeterProvider } from '@opentelemetry/api';
import type { LoadedConfig } from '../config/load-config.ts';
import { VconOtelError } from '../model/error.ts';
import type { VconStore } from '../model/vcon.ts';
import { vconStoreOf } from './components.ts';
import { makeComponent, soundComponent } from './make-component.ts';

/**
 * Opens the store that a configuration names.
 * @throws VconOtelError `FILE_UNUSABLE`, and as {@link soundComponent} and {@link makeComponent}
 */
export async function openVconStore(loaded: LoadedConfig, meterProvider: MeterProvider): Promise<VconStore> {
  const named = vconStoreOf(loaded);
  const { definition, options } = await soundComponent(named);
  const store = await makeComponent(named.path, () => definition.create(options, { meterProvider }));
  if (typeof store?.read === 'function' && typeof store.close === 'function') return store;
  const path = `${named.path}.module`;
  throw new VconOtelError('MODULE_INVALID', `${path}: create() made no vCon store`, { path });
}
