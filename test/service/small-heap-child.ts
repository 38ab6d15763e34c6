import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { memoryJournal } from '../../src/journal/memory.ts';
import { bounded, heapLimit } from '../../src/model/memory.ts';
import { ReceiverCounts } from '../../src/receivers/counts.ts';
import { startHttpReceiver } from '../../src/receivers/http/http-receiver.ts';
import { MemoryGuard } from '../../src/service/memory-guard.ts';
import { numberedEvent } from '../faults/numbered-events.ts';
import { CollectingSink } from '../support/collecting-sink.ts';
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
  return Promise.resolve(true);
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
const journal = memoryJournal();
let dropped = 0;
await journal.consumer('away', {
  ...{ onReadable: () => undefined, onCounts: () => undefined, onSkip: () => undefined },
  onDrop: (events) => {
    dropped += events.length;
  },
});
for (let i = 0; i < 10_000; i += 1) await journal.append([numberedEvent(i)]);
const receiver = await startHttpReceiver({
  ...{ host: '127.0.0.1', port: 0, maxBody: 2 ** 24, headerTimeout: 60_000, bodyTimeout: 60_000 },
  ...{ closeTimeout: 1_000, sink: new CollectingSink(), counts: new ReceiverCounts() },
});
const largest = heapLimit() / 64;
const post = async (bytes: number, packing = '') => {
  const body = Buffer.alloc(bytes, ' ').fill('[]', 0, 2);
  const answer = await fetch(`${receiver.url}/v1/bridge`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': packing },
    // It takes as much room as it is.
    body: packing === 'gzip' ? gzipSync(body, { level: 0 }) : body,
  });
  return [answer.status, await answer.text()];
};
const bodies = [await post(largest), await post(largest - 1_000, 'gzip'), await post(largest + 1)];
await receiver.close();
const [few, usual] = [bounded(1_000_000, 1 / 64, 1_000), bounded(10, 1 / 64, 1_000)];
process.stdout.write(
  JSON.stringify({
    limit: heapLimit() / 2 ** 20,
    few,
    usual,
    dropped,
    bodies,
    before,
    tight,
    relieved,
    after,
  }),
);
