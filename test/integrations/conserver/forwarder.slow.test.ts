import { execFile, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { describeWith } from '../../support/server.ts';

/** The folder of the file that runs inside the Python server, and of its own tests, which are Python's. */
const FOLDER = join(import.meta.dirname, '../../../integrations/conserver');
/** The driver of `npm run try:conserver`. */
const TRIAL = join(import.meta.dirname, '../../try-conserver');
const MODULES = readdirSync(FOLDER)
  .filter((file) => /^test_\w+\.py$/.test(file))
  .map((file) => file.slice(0, -3));

const python3 = runs('python3');

describeWith('python3', python3 ? undefined : 'install Python 3.11 or later', 'vcon_otel.py', () => {
  for (const module of MODULES) test(`passes ${module} under python3`, () => unittest('python3', module));
  test('and its trial against the real server finds what is wrong', () =>
    unittest('python3', 'test_compare', TRIAL));
});

describe('vcon_otel.py with other versions of Python', () => {
  for (const python of ['python3.11', 'python3.12', 'python3.13'])
    for (const module of MODULES)
      test.skipIf(!runs(python))(`passes ${module} under ${python}`, () => unittest(python, module));
});

/** Whether it is there and starts: pyenv puts names on the path behind which there is nothing. */
function runs(python: string): boolean {
  const isRecent = 'import sys; sys.exit(sys.version_info < (3, 11))';
  return spawnSync(python, ['-c', isRecent], { stdio: 'ignore' }).status === 0;
}

/** @throws Error with everything that the tests printed, if one fails */
async function unittest(python: string, module: string, cwd = FOLDER): Promise<void> {
  const { stderr } = await promisify(execFile)(python, ['-m', 'unittest', module], { cwd }).catch((error) => {
    throw new Error(`${error.message}\n${error.stdout}${error.stderr}`);
  });
  expect(stderr).toMatch(/^Ran [1-9]\d* tests/m);
}
