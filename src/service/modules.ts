import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { importModule } from '../isolation/import-module.ts';
import { VconOtelError } from '../model/error.ts';

/**
 * Loads a module of somebody else's: a file by its path, a folder by its index file, or an installed package. Nothing is ever
 * installed.
 * @param path of the key that names the module, for errors
 * @param directory where relative paths and packages are looked for
 * @returns its default export, else all that it exports
 * @throws VconOtelError `MODULE_NOT_FOUND`, or `MODULE_INVALID` if it cannot be loaded
 */
export async function loadModule(path: string, module: string, directory: string): Promise<unknown> {
  const file = findModule(path, module, directory, 'there is no file or package of this name');
  return importModule(path, file);
}

/**
 * Finds the file of a module as {@link loadModule} does.
 * @param missing what to say where there is no such package
 * @throws VconOtelError `MODULE_NOT_FOUND`
 */
export function findModule(path: string, module: string, directory: string, missing: string): string {
  const isPath = isAbsolute(module) || /^\.\.?[/\\]/.test(module);
  const file = isPath ? moduleFile(resolve(directory, module)) : packageFile(module, directory);
  if (file !== undefined) return file;
  const text = isPath ? 'there is no such file, nor a folder with an index file' : missing;
  throw new VconOtelError('MODULE_NOT_FOUND', `${path}: ${text}`, { path });
}

const ENDINGS = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'];

/** The file that an absolute path means: itself, one of this name with the ending of a module, or the index file of a folder. */
export function moduleFile(path: string): string | undefined {
  const others = [path, join(path, 'index')].flatMap((stem) => ENDINGS.map((ending) => `${stem}.${ending}`));
  return [path, ...others].find(isFile);
}

/** What cannot be looked at counts as one: loading it says why. */
function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    return true;
  }
}

function packageFile(module: string, directory: string): string | undefined {
  try {
    const found = createRequire(join(directory, 'package.json')).resolve(module);
    return isAbsolute(found) ? found : undefined;
  } catch {
    return undefined;
  }
}
