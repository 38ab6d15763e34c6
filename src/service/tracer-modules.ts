import { resolve } from 'node:path';
import { importModule } from '../isolation/import-module.ts';
import { VconOtelError } from '../model/error.ts';
import { nearest } from '../model/options/nearest.ts';
import type { TracerModule } from '../model/tracer.ts';
import { builtInTracers } from '../tracers/registry.ts';
import { findModule, moduleFile } from './modules.ts';

/**
 * Loads a tracer's module: one of ours by the conserver's name for it (`tracers.audit_log`), or one of somebody else's, see
 * {@link tracerFile}.
 * @param name the tracer's name, for errors
 * @param directory where relative paths and packages are looked for
 * @throws VconOtelError `MODULE_NOT_FOUND`, or `MODULE_INVALID` if it cannot be loaded
 */
export async function loadTracerModule(
  name: string,
  module: string | TracerModule,
  directory: string,
): Promise<TracerModule> {
  const file = tracerFile(name, module, directory);
  // A definition is the default export; the documented functions are named ones.
  if (file !== undefined) return (await importModule(`tracers.${name}.module`, file)) as TracerModule;
  return tracerModule(name, module);
}

/**
 * Where somebody else's module of a tracer is: a file by its path, a file below the directory by a name as the conserver has
 * it (`tracers.my_tracer` is `./tracers/my_tracer`), or an installed package.
 * @returns undefined if the module is one of ours, or was handed in by code
 * @throws VconOtelError `MODULE_NOT_FOUND`
 */
export function tracerFile(
  name: string,
  module: string | TracerModule,
  directory: string,
): string | undefined {
  if (typeof module !== 'string' || builtInTracers.has(module)) return undefined;
  const dotted =
    /^tracers(\.\w+)+$/.test(module) && moduleFile(resolve(directory, module.replaceAll('.', '/')));
  const missing = `there is no built-in tracer, file or package of this name; name your file, such as ./my_tracer.ts, ${meant(module)}`;
  return findModule(`tracers.${name}.module`, dotted || module, directory, missing);
}

/**
 * The module of a tracer for code that cannot wait until one is loaded: one of ours by its name, or what the code has
 * imported itself.
 * @param name the tracer's name, for errors
 * @throws VconOtelError `MODULE_NOT_FOUND`
 */
export function tracerModule(name: string, module: string | TracerModule): TracerModule {
  if (typeof module !== 'string') return module;
  const builtIn = builtInTracers.get(module);
  if (builtIn) return builtIn;
  const path = `tracers.${name}.module`;
  const advice = `import your own and hand it in instead of its name, ${meant(module)}`;
  throw new VconOtelError(
    'MODULE_NOT_FOUND',
    `${path}: there is no built-in tracer of this name; ${advice}`,
    {
      path,
    },
  );
}

/** Which of ours might have been meant. */
function meant(module: string): string {
  const names = [...builtInTracers.keys()];
  const word = bare(module);
  const mistyped = nearest(word, names.map(bare));
  const like = names.filter((name) => {
    const ours = bare(name);
    return ours === mistyped || word.includes(ours) || (word.length > 3 && ours.includes(word));
  });
  return like.length > 0 ? `or did you mean ${like.join(' or ')}?` : `or one of ${names.join(', ')}`;
}

function bare(module: string): string {
  return module.slice(module.lastIndexOf('.') + 1);
}
