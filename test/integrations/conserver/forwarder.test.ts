import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readRecord } from '../../../src/receivers/forwarded-record.ts';
import { describeWith } from '../../support/server.ts';

/** The folder of the forwarder and of its own tests, which are Python's. */
const FOLDER = join(import.meta.dirname, '../../../integrations/conserver');
const V = '05cec3d4-0561-4010-9fb8-23cc7edef146';
const N = '71c4d3b2-0561-4010-9fb8-23cc7edef146';

const python3 = runs('python3');

describeWith('python3', python3 ? undefined : 'install Python 3.11 or later', 'the forwarder', () => {
  test('does what it says under python3', () => unittest('python3'), 120_000);

  test('makes records that the receiver reads', async () => {
    const records = await recordsOf([
      [V, V, 'vcon_otel', ['a', 'b'], -1],
      [N, V, 'vcon_otel', ['a', 'b'], 1],
      [true, V, 'vcon_otel', ['a', 'b'], 0],
    ]);
    expect(records.map(readRecord)).toMatchObject([
      { tracer: 'vcon_otel', before: V, after: V, links: ['a', 'b'], index: -1 },
      { before: V, after: N, index: 1 },
      { before: V, after: undefined, index: 0 },
    ]);
  });
});

describe('the forwarder with other versions of Python', () => {
  for (const python of ['python3.11', 'python3.12', 'python3.13'])
    test.skipIf(!runs(python))(`does what it says under ${python}`, () => unittest(python), 120_000);
});

/** Whether it is there and starts: pyenv puts names on the path behind which there is nothing. */
function runs(python: string): boolean {
  const isRecent = 'import sys; sys.exit(sys.version_info < (3, 11))';
  return spawnSync(python, ['-c', isRecent], { stdio: 'ignore' }).status === 0;
}

/** @throws Error with everything that the tests printed, if one fails */
async function unittest(python: string): Promise<void> {
  const { stderr } = await promisify(execFile)(python, ['-m', 'unittest'], { cwd: FOLDER }).catch((error) => {
    throw new Error(`${error.message}\n${error.stdout}${error.stderr}`);
  });
  expect(stderr).toMatch(/^Ran [1-9]\d* tests/m);
}

/** What the forwarder writes to its Redis stream for these arguments of `run`. */
async function recordsOf(calls: readonly unknown[]): Promise<unknown[]> {
  const script = `
import json, sys, types
server = types.ModuleType('redis_mgr')
server.get_client = lambda: types.SimpleNamespace(xadd=lambda stream, fields, **limit: print(fields['record']))
sys.modules['redis_mgr'] = server
import vcon_otel_forwarder
for call in json.loads(sys.argv[1]):
    assert vcon_otel_forwarder.run(*call, {'hash_document': False})`;
  const { stdout } = await promisify(execFile)('python3', ['-c', script, JSON.stringify(calls)], {
    cwd: FOLDER,
  });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
