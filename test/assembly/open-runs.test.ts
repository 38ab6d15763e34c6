import { expect, test } from 'vitest';
import { united } from '../../src/assembly/open-run.ts';
import { OpenRuns } from '../../src/assembly/open-runs.ts';

test('where nobody listened during a part of a run, nobody did during the whole', () => {
  const runs = new OpenRuns();
  const names = { traceId: 'a'.repeat(32), rootSpanId: undefined, chain: 'main' };
  const [whole, part] = [runs.begin({ ...names, id: '1' }), runs.begin({ ...names, id: '2' })];
  for (const run of [whole, part]) runs.heard(run, 0);
  runs.gapped(part);
  runs.unite(whole, united(whole, part), [part]);
  expect(whole.isGapped).toBe(true);
});
