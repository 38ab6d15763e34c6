import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const LAUNCHER = fileURLToPath(new URL('../../bin/vcon-otel.js', import.meta.url));
const DEFINITION = 'defineTracer({ create: () => ({ trace() {} }) })';

let directory: string;

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'vcon-otel-foreign-')));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Only Node.js itself finds modules as users meet it, so each is loaded by a process: in vitest, vite would find them. */
test.each([
  ['ours.mjs', `import { defineTracer } from 'vcon-otel'; export default ${DEFINITION};`],
  ['ours.ts', `import { defineTracer } from 'vcon-otel'; const a: number = 1; export default ${DEFINITION};`],
  ['ours.cjs', `const { defineTracer } = require('vcon-otel'); module.exports = ${DEFINITION};`],
  ['part.mjs', "import 'vcon-otel/testing'; import { z } from 'zod'; export const trace = () => z;"],
  ['zod.cjs', "const { z } = require('zod'); exports.trace = () => z;"],
])('%s lies anywhere, and has the packages that it needs', async (file, text) => {
  expect(await validate(file, text)).toContain('✓ tracers.mine\n');
});

test.each([
  ['throws.mjs', '\n\nthrow new TypeError("canary");', 'TypeError at DIR/throws.mjs:3'],
  ['syntax.mjs', 'export const = canary;', 'SyntaxError: "node DIR/syntax.mjs" shows where'],
  [
    'imports.mjs',
    'import "./not-there.mjs";',
    'ERR_MODULE_NOT_FOUND: it imports DIR/not-there.mjs, which is not there',
  ],
  [
    'needs.mjs',
    'import "no-such-package";',
    'ERR_MODULE_NOT_FOUND: it imports no-such-package, a package that is not installed where the file is',
  ],
  [
    'needs.cjs',
    'require("no-such-package");',
    'MODULE_NOT_FOUND: it imports no-such-package, which is not there',
  ],
  [
    'mistaken.mjs',
    "import { defineTacer } from 'vcon-otel';",
    'SyntaxError: vcon-otel exports no defineTacer',
  ],
  [
    'enum.ts',
    'enum Colour { Red }; export const trace = () => Colour.Red;',
    'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX: Node.js removes types and no more, so an enum or the like has to be compiled',
  ],
])('%s cannot be loaded: what is missing is named, or where it is', async (file, text, reason) => {
  expect(await validate(file, text)).toContain(
    `✗ tracers.mine.module: the module could not be loaded (${reason.replace('DIR', directory)})`,
  );
});

async function validate(file: string, text: string): Promise<string> {
  await writeFile(join(directory, file), text);
  await writeFile(join(directory, `${file}.yaml`), `tracers: { mine: { module: ./${file} } }`);
  return new Promise((resolve) => {
    const args = [LAUNCHER, 'validate', join(directory, `${file}.yaml`)];
    execFile(process.execPath, args, { env: {}, timeout: 100_000 }, (_error, stdout) => resolve(stdout));
  });
}
