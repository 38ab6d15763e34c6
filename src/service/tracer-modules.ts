import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { withDeadline } from '../model/deadline.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { TracerModule } from '../model/tracer.ts';
import { builtInTracers } from '../tracers/index.ts';

/** Milliseconds that a module may take to load; one that awaits something at its top level might never do. */
const LOAD_TIMEOUT = 30_000;

/**
 * Finds a tracer's module: one of ours by the conserver's name for it (`tracers.audit_log`), a file by its path,
 * or an installed package. Nothing is ever installed.
 * @param name the tracer's name, for errors
 * @param directory where relative paths and packages are looked for
 * @throws VconOtelError `MODULE_NOT_FOUND`, or `MODULE_INVALID` if it cannot be loaded
 */
export async function loadTracerModule(
  name: string,
  module: string | TracerModule,
  directory: string,
): Promise<TracerModule> {
  if (typeof module !== 'string') return module;
  const builtIn = builtInTracers.get(module);
  if (builtIn) return builtIn();
  const path = `tracers.${name}.module`;
  const url = locate(module, directory);
  if (url === undefined)
    throw new VconOtelError(
      'MODULE_NOT_FOUND',
      `${path}: there is no built-in tracer, file or package of this name`,
      {
        path,
      },
    );
  let exports: Record<string, unknown>;
  try {
    exports = await withDeadline<Record<string, unknown>>(import(url), LOAD_TIMEOUT, 'loading a module');
  } catch (error) {
    // It may also be something that the module itself imports that is not there.
    if (!existsSync(new URL(url)))
      throw new VconOtelError('MODULE_NOT_FOUND', `${path}: there is no such file`, { path, cause: error });
    const reason = errorType(error);
    throw new VconOtelError('MODULE_INVALID', `${path}: the module could not be loaded (${reason})`, {
      path,
      cause: error,
    });
  }
  // A definition is the default export; the documented functions are named ones.
  return (exports.default ?? exports) as TracerModule;
}

function locate(module: string, directory: string): string | undefined {
  if (isAbsolute(module) || /^\.\.?[/\\]/.test(module)) return pathToFileURL(resolve(directory, module)).href;
  try {
    const found = createRequire(join(directory, 'package.json')).resolve(module);
    return isAbsolute(found) ? pathToFileURL(found).href : undefined;
  } catch {
    return undefined;
  }
}
