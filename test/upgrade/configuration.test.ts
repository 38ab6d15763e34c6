import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { runInProcess } from '../cli/in-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { FIXTURES } from './upgraded.ts';

const CONFIGURATIONS = join(FIXTURES, 'config');
const ROOT = join(CONFIGURATIONS, '../../../..');

beforeEach(() => void vi.stubEnv('FIXTURE_KEY', '0123456789abcdef'));
afterEach(() => vi.unstubAllEnvs());

async function validate(file: string) {
  return runInProcess(['validate', '--print', relative(ROOT, file)], { cwd: ROOT });
}

/** What 0.1 took to be in effect; there may be more of it by now. */
const inEffect = (name: string): object =>
  parse(readFileSync(join(CONFIGURATIONS, `${name}.in-effect.yml`), 'utf8'));

test('a configuration for 0.1 is valid and means what it did: in-memory.yml', async () => {
  const { code, stdout } = await validate(join(CONFIGURATIONS, 'in-memory.yml'));
  const [said = '', printed = ''] = stdout.split('is valid\n\n');
  expect(said).not.toContain('✗');
  expect(code).toBe(0);
  expect(parse(printed)).toMatchObject(inEffect('in-memory'));
});

test('one that is open to other machines is refused, and is as it was once it says that it is meant so: full.yml', async () => {
  const { stdout: refused } = await validate(join(CONFIGURATIONS, 'full.yml'));
  expect(refused.match(/✗ \S+:/g)).toEqual(['✗ exporters.prometheus.host:', '✗ health.host:']);

  const folder = temporaryFolder();
  cpSync(CONFIGURATIONS, folder, { recursive: true });
  const file = join(folder, 'full.yml');
  const text = readFileSync(file, 'utf8').replaceAll(
    '{ host: 0.0.0.0,',
    '{ allow_anonymous: true, host: 0.0.0.0,',
  );
  writeFileSync(file, text);
  const { code, stdout } = await validate(file);
  const [said = '', printed = ''] = stdout.split('is valid\n\n');
  expect(said).not.toContain('✗');
  expect(said.match(/! (exporters|health).*: whoever reaches 0\.0\.0\.0/g)).toHaveLength(2);
  expect(code).toBe(0);
  expect(parse(printed)).toMatchObject(inEffect('full'));
});
