import { assert, expect, test } from 'vitest';
import { spanCount } from '../../src/assembly/facts.ts';
import { united } from '../../src/assembly/open-run.ts';
import { OpenRuns } from '../../src/assembly/open-runs.ts';
import { Passage } from './passage.ts';

test('where nobody listened during a part of a run, nobody did during the whole', () => {
  const runs = new OpenRuns();
  const names = { traceId: 'a'.repeat(32), rootSpanId: undefined, chain: 'main' };
  const [whole, part] = [runs.begin({ ...names, id: '1' }), runs.begin({ ...names, id: '2' })];
  for (const run of [whole, part]) runs.heard(run, 0);
  runs.gapped(part);
  runs.unite(whole, united(whole, part), [part]);
  expect(whole.isGapped).toBe(true);
});

test('what somebody has in hand of a run stays as it is, whatever is heard of the run afterwards', () => {
  const runs = new OpenRuns();
  const passage = new Passage();
  const { chainId, traceId } = passage;
  const [link, chain] = [passage.link(0), passage.chain()].map((one) =>
    'spans' in one ? one.spans[0] : undefined,
  );
  assert(link && chain);
  const run = runs.begin({ id: chainId, rootSpanId: chainId, traceId, chain: 'main' });
  runs.hearSpan(run, link, chainId, 0);
  const before = runs.factsNow(run);
  runs.hearSpan(run, chain, chainId, 1);
  expect(spanCount(before)).toBe(1);
  expect(spanCount(run.facts)).toBe(2);
  expect(runs.facts).toBe(2);
});
