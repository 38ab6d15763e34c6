import { execFile, execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from './pack-project.ts';

const LAUNCHER = join('bin', 'vcon-otel.js');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-launcher-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('on a Node.js that is too old it says so in one sentence and exits 1', async ({ skip }) => {
  const old = oldNode();
  if (old === undefined) return skip('no Node.js older than 22.15 on PATH');
  const { code, stdout, stderr } = await launch(ROOT, old.path);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toBe(
    `vcon-otel needs Node.js 22.15 or newer; this is ${old.version}. "npm ci" brings one into a checkout, "npm install node@24" into a project; npx and npm scripts use it.\n`,
  );
});

test('in a checkout it runs the sources', async () => {
  const checkout = await layOut('checkout', { 'src/cli.ts': `${MAIN}('src' as string);`, 'dist/cli.js': '' });
  expect(await launch(checkout)).toEqual({ code: 0, stdout: 'src', stderr: '' });
});

test('in a checkout on a Node.js that does not run TypeScript it says in one sentence what to do', async () => {
  const checkout = await layOut('strict-checkout', { 'src/cli.ts': `${MAIN}('src');` });
  const { code, stdout, stderr } = await launch(checkout, process.execPath, '--no-strip-types');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^[^\n]*npm run vcon-otel[^\n]*\.\n$/);
});

test('in an installed package it runs what was built', async () => {
  const installed = await layOut('installed', { 'dist/cli.js': `${MAIN}('dist');` });
  expect(await launch(installed)).toEqual({ code: 0, stdout: 'dist', stderr: '' });
});

const MAIN = 'export const main = async () => process.stdout.write';

/** A folder with the launcher and a command line that only tells which of the two it is. */
async function layOut(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const root = join(folder, name);
  for (const part of ['bin', 'src', 'dist']) await mkdir(join(root, part), { recursive: true });
  await copyFile(join(ROOT, LAUNCHER), join(root, LAUNCHER));
  for (const [path, text] of Object.entries({ ...files, 'package.json': '{"type":"module"}' }))
    await writeFile(join(root, path), text);
  return root;
}

function launch(
  root: string,
  node = process.execPath,
  ...flags: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      node,
      [...flags, join(root, LAUNCHER)],
      { env: {}, timeout: 900_000 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** A `node` on PATH that is too old for us; the project's own is not. */
function oldNode(): { path: string; version: string } | undefined {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(directory, 'node');
    const version = versionOf(path);
    const [major = 0, minor = 0] = version?.split('.').map(Number) ?? [];
    if (version !== undefined && (major < 22 || (major === 22 && minor < 15))) return { path, version };
  }
  return undefined;
}

function versionOf(path: string): string | undefined {
  try {
    return execFileSync(path, ['--print', 'process.versions.node'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 900_000,
    }).trim();
  } catch {
    return undefined;
  }
}
