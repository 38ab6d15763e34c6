import type { LoadedConfig } from '../config/load-config.ts';
import { openDoors } from '../incoming/listening.ts';
import { exportersOf, journalOf, receiversOf, vconStoreOf } from './components.ts';
import { componentRemarks, type NamedComponent } from './named-component.ts';

/** What is to be known of everything but the tracers that a configuration names and that is right, a sentence each with its key. */
export async function remarksOf(loaded: LoadedConfig): Promise<string[]> {
  const { admin, health } = loaded.config;
  const components: readonly NamedComponent<object>[] = [
    vconStoreOf(loaded),
    ...receiversOf(loaded),
    ...exportersOf(loaded),
    journalOf(loaded),
  ];
  const found = await Promise.all(
    components.map(async (component) => told(component.path, await componentRemarks(component))),
  );
  return [
    ...found.flat(),
    ...told('admin', admin ? openDoors(admin) : []),
    ...told('health', health ? openDoors(health) : []),
  ];
}

function told(path: string, remarks: readonly string[]): string[] {
  return remarks.map((remark) => `${path}: ${remark}`);
}
