import { type ExecFileOptions, execFile } from 'node:child_process';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What `npm pack` made of the project. */
export interface PackedProject {
  /** Paths inside the package. */
  readonly files: readonly string[];
  /** The packed file. */
  readonly path: string;
  /** Puts the package where a folder's modules find it, as an installation would, without its dependencies. */
  installInto(folder: string): Promise<void>;
}

/** Builds and packs a copy of the project inside `folder`, so that the project's own folder stays as it is. */
export async function packProject(folder: string): Promise<PackedProject> {
  const copy = join(folder, 'project');
  await cp(ROOT, copy, { recursive: true, filter: (path) => !NOT_IN_A_CLONE.has(basename(path)) });
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const [packed] = JSON.parse(await npm(copy, 'pack', '--json')) as NpmPacked[];
  if (!packed) throw new Error('npm pack made nothing');
  return {
    files: packed.files.map(({ path }) => path),
    path: join(copy, packed.filename),
    installInto: async (application) => {
      const target = join(application, 'node_modules', 'vcon-otel');
      await mkdir(target, { recursive: true });
      await run('tar', ['-xzf', join(copy, packed.filename), '-C', target, '--strip-components=1']);
    },
  };
}

/** Installs the oldest Node.js that we promise to work on inside a folder, and answers with its path. */
export async function installNode22(folder: string): Promise<string> {
  const place = join(folder, 'node-22');
  await mkdir(place);
  await npm(place, 'install', '--prefer-offline', 'node@22');
  return join(place, 'node_modules/.bin/node');
}

/** Runs npm quietly in a folder, on the Node.js that runs this, and answers with what it printed. */
export async function npm(folder: string, ...args: readonly string[]): Promise<string> {
  const path = [dirname(process.execPath), process.env.PATH].join(delimiter);
  return run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    env: { ...process.env, PATH: path },
    timeout: NPM_TIMEOUT,
  });
}

/**
 * Runs a program and answers with what it printed.
 * @throws Error with everything it printed, if it fails
 */
export function run(
  program: string,
  args: readonly string[],
  options: ExecFileOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { ...options, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stdout}${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
}

/** Milliseconds that npm may take; a registry can be slow. */
const NPM_TIMEOUT = 900_000;

/** The part of `npm pack --json` that is read here. */
interface NpmPacked {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

const NOT_IN_A_CLONE = new Set(['.git', 'node_modules', 'dist', 'coverage', 'vcon-otel-demo']);
