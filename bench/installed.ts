import { spawnSync } from 'node:child_process';
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ownFolder } from './disk.ts';

const ROOT = join(import.meta.dirname, '..');
/** How a file alone is compiled: of what it imports, only types. */
const ALONE = ['--ignoreConfig', '--noCheck', '--noResolve', '--target', 'esnext', '--module', 'esnext'];

/** The package as people have it. */
export interface Installed {
  readonly bin: string;
  /** The tracer of `counting-tracer.ts`. */
  readonly tracer: string;
}

let made: Installed | undefined;

/**
 * Builds the package of the sources as they are now, in a folder of its own: to read TypeScript would take 30 MB of memory that nobody
 * spends who installs it.
 * @throws Error where it cannot be built
 */
export function installed(): Installed {
  made ??= build();
  return made;
}

function build(): Installed {
  const folder = ownFolder();
  compile('-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist'));
  compile(join(import.meta.dirname, 'counting-tracer.ts'), '--outDir', folder, ...ALONE);
  for (const part of ['bin', 'package.json'])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return { bin: join(folder, 'bin', 'vcon-otel.js'), tracer: join(folder, 'counting-tracer.js') };
}

function compile(...args: readonly string[]): void {
  const { status, stdout } = spawnSync(join(ROOT, 'node_modules', '.bin', 'tsc'), args, { cwd: ROOT });
  if (status !== 0) throw new Error(`the package cannot be built: ${stdout}`);
}
