import { setTimeout as wait } from 'node:timers/promises';
import { bounded, heapLimit } from '../../src/model/memory.ts';
import { MemoryGuard } from '../../src/service/memory-guard.ts';
import { eventually } from '../support/eventually.ts';

// A process that is started with a small heap fills and empties it, and says what its guard says.

const guard = new MemoryGuard();
let relieved = false;
let tight = false;
let held: unknown[] = [];
guard.onTight(() => {
  relieved = true;
  // As a service would, it takes no more.
  tight = guard.isTight;
  held = [];
});
const before = guard.isTight;
while (!relieved) {
  for (let i = 0; i < 1_000; i += 1) held.push({ text: `${i}`.repeat(20), list: [i] });
  await wait(1);
}
const after = await eventually('the heap is not tight any more', async () => {
  for (let i = 0; i < 10_000; i += 1) JSON.parse(`[${i}]`);
  return guard.isTight ? undefined : false;
});
guard.close();
const [few, usual] = [bounded(1_000_000, 1 / 64, 1_000), bounded(10, 1 / 64, 1_000)];
process.stdout.write(
  JSON.stringify({ limit: heapLimit() / 2 ** 20, few, usual, before, tight, relieved, after }),
);
