import { pathToFileURL } from 'node:url';
import { withDeadline } from '../model/deadline.ts';
import { VconOtelError } from '../model/error.ts';
import { lendPackages } from './lent-packages.ts';
import { whyNotLoaded } from './why-not-loaded.ts';

/** Milliseconds that a module may take to load; one that awaits something at its top level might never do. */
const LOAD_TIMEOUT = 30_000;

/**
 * Imports a module of somebody else's.
 * @param path of the key that names the module, for errors
 * @returns its default export, else all that it exports
 * @throws VconOtelError `MODULE_INVALID` if it cannot be loaded
 */
export async function importModule(path: string, file: string): Promise<unknown> {
  lendPackages();
  try {
    const exports = await withDeadline<Record<string, unknown>>(
      import(pathToFileURL(file).href),
      LOAD_TIMEOUT,
      'loading a module',
    );
    return exports.default ?? exports;
  } catch (error) {
    const text = `${path}: the module could not be loaded (${whyNotLoaded(error, file)})`;
    throw new VconOtelError('MODULE_INVALID', text, { path, cause: error });
  }
}
