import { expect, test } from 'vitest';
import { livelyPace } from '../../../src/cli/demo/pace.ts';
import type { Link } from '../../../src/model/chain.ts';
import { memoryVconStore } from '../../../src/vcon-store/memory.ts';
import { runLink, stepFor } from './run-link.ts';

/** Takes 150 ms at least, and never fails. */
const TAG: Link = { name: 'tag', run: (uuid) => uuid };

test('a step takes its time, and none once the demo is to end', async () => {
  const ending = new AbortController();
  const { link } = livelyPace(ending.signal);
  const start = performance.now();
  await runLink(link(TAG), '{}');
  expect(performance.now() - start).toBeGreaterThan(149);
  const under = Array.from({ length: 100 }, () => runLink(link(TAG), '{}'));
  ending.abort();
  const end = performance.now();
  await Promise.all(under);
  for (let step = 0; step < 100; step += 1) await runLink(link(TAG), '{}');
  expect(performance.now() - end).toBeLessThan(100 * 150);
});

test('a step whose time is up fails', async () => {
  const step = stepFor('tag', memoryVconStore(), AbortSignal.abort(new Error('its time is up')));
  const run = livelyPace(new AbortController().signal).link(TAG).run('entered', step);
  await expect(run).rejects.toThrow('its time is up');
});
