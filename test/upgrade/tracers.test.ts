import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { traceChain } from '../../src/index.ts';
import { jsonLines } from '../cli/command-line.ts';
import { FIXTURES, folderOfTest, startUpgraded } from './upgraded.ts';

const VCON = '018f3c2a-7b1e-8c44-9d52-000000000001';

/** What the documented functions of a module were called with; they live in the module. */
const called: unknown[][] = [];
afterEach(() => {
  called.length = 0;
});

test('tracers that were written for 0.1 are called as they were', async () => {
  const file = join(await folderOfTest(), 'heard');
  const { tracing } = await startUpgraded({
    tracers: {
      // One of `defineTracer`, one that is the documented functions, in a file and in code.
      defined: { module: join(FIXTURES, 'heard-tracer.ts'), options: { file } },
      in_a_file: { module: join(FIXTURES, 'config/documented-tracer.mjs') },
      in_code: {
        module: {
          default_options: { level: 'info' },
          trace: (...args: unknown[]) => called.push(args.slice(0, 3)),
        },
        options: { extra: 1 },
      },
    },
  });
  await traceChain({ name: 'main', links: ['transcribe'] }, VCON, async (chain) => {
    await chain.link('transcribe', async (vcon) => vcon);
    await chain.storage({ name: 'archive' }, async () => {});
  });
  await tracing.forceFlush();
  const { tracers, issues } = tracing.stats();
  await tracing.shutdown();

  const heard = jsonLines(await readFile(file, 'utf8'));
  expect(heard.map(({ call }) => call)).toEqual([
    `chain_start ${VCON}`,
    `run -1 ${VCON}→${VCON}`,
    `link_start ${VCON} transcribe`,
    `link_complete ${VCON} transcribe`,
    `run 0 ${VCON}→${VCON}`,
    `storage_start ${VCON} archive`,
    `storage_complete ${VCON} archive`,
    `chain_complete ${VCON}`,
    `run 1 ${VCON}→${VCON}`,
  ]);
  const options = { level: 'info', extra: 1 };
  expect(called).toEqual(
    ['chain_start', 'link_start', 'link_complete', 'storage_start', 'storage_complete', 'chain_complete'].map(
      (event) => [VCON, event, options],
    ),
  );
  expect(issues).toEqual({});
  for (const name of ['defined', 'in_a_file', 'in_code'])
    expect(tracers[name]).toMatchObject({ ok: 6, dead: 0 });
});
