import type { LoadedConfig } from '../config/load-config.ts';
import { checkTracerOptions } from '../delivery/create-tracer.ts';
import { exposures } from '../persistence/private-file.ts';
import { exportersOf, journalOf } from './components.ts';
import type { AnyComponent, FoundComponent } from './named-component.ts';
import type { TracerEntry } from './tracer-span-processor-settings.ts';

/**
 * What others may read of what the components of a configuration have made, a sentence each. Made before, it may be: what is made
 * now is private.
 * @param tracers those that were loaded, perhaps in threads of their own
 */
export async function exposedFiles(loaded: LoadedConfig, tracers: readonly TracerEntry[]): Promise<string[]> {
  const others = [journalOf(loaded), ...exportersOf(loaded)].map(async ({ path, find }) =>
    exposedOf(path, await find()),
  );
  const ours = tracers.flatMap(({ module, ...tracer }) =>
    // Only of those that hear something is the module there.
    typeof module === 'string'
      ? []
      : exposedOf(`tracers.${tracer.name}`, {
          definition: module,
          ...checkTracerOptions({ ...tracer, module }),
        }),
  );
  return [...(await Promise.all(others)), ...ours].flat();
}

function exposedOf(path: string, { definition, options, faults }: FoundComponent<object>): string[] {
  // Whoever makes it says what is wrong with it.
  if (faults.length > 0) return [];
  const { files } = definition as Pick<AnyComponent, 'files'>;
  return exposures(files?.(options) ?? []).map((sentence) => `${path}: ${sentence}`);
}
