import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lookIntoModule } from '../../src/isolation/module-look.ts';
import { runInProcess } from '../cli/in-process.ts';
import { journalFolder } from '../cli/kept-runs.ts';

const MAKE = 'create: () => ({ trace() {} })';

function written(source: string): string {
  const file = join(journalFolder(), 'tracer.mjs');
  writeFileSync(file, source);
  return file;
}

test('a module says what it is, and nothing of it stays in this thread', async () => {
  const file = written(`globalThis.wasHere = true;
    export default { ${MAKE}, readsVcons: () => true, remarks: () => ['mind the gap'], files: () => ['./f'] };`);
  expect(await lookIntoModule({ name: 'mine', file, options: {} })).toEqual({
    ...{ faults: [], readsVcons: true, remarks: ['mind the gap'], files: ['./f'], ledger: undefined },
    hasProbe: false,
    hasErasure: false,
  });
  expect('wasHere' in globalThis).toBe(false);
});

test.each([
  ['exits', 'process.exit(0);', 'it ended its thread'],
  [
    'throws later, and hangs',
    `setTimeout(() => { throw new RangeError('secret'); }); await new Promise(() => {});`,
    'uncaught RangeError',
  ],
])('a module that %s is named as such', async (_what, source, why) => {
  await expect(look(source)).rejects.toMatchObject(unanswered(why));
});

test('a module that spins is not waited for without end', async () => {
  await expect(look('for (;;);', 3_000)).rejects.toMatchObject(unanswered('no answer within 3 s'));
});

function look(source: string, patience?: number) {
  const file = written(`${source} export default { ${MAKE} };`);
  return lookIntoModule({ name: 'mine', file, options: {} }, patience);
}

function unanswered(why: string) {
  return {
    code: 'MODULE_INVALID',
    message: `tracers.mine.module: the module could not be looked at (${why})`,
  };
}

test('validate and doctor go on beside a module that exits', async () => {
  const file = written(`process.exit(7); export default { ${MAKE} };`);
  const config = join(journalFolder(), 'config.yml');
  const tracers = { gone: { module: file }, nobody: { module: './nobody.mjs' } };
  writeFileSync(config, JSON.stringify({ tracers, journal: { type: 'memory' }, health: { port: 0 } }));
  for (const command of [['validate'], ['doctor', '--timeout', '60s']]) {
    const { code, stdout } = await runInProcess([...command, config]);
    expect(code).toBe(1);
    expect(stdout).toContain('tracers.gone.module: the module could not be looked at (it ended its thread)');
    expect(stdout).toContain('tracers.nobody.module: there is no such file');
  }
});
