import { afterEach, describe, expect, test } from 'vitest';
import { runChain } from '../../src/instrumentation/run-chain.ts';
import { traceChain } from '../../src/instrumentation/trace-chain.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import type { Link } from '../../src/model/chain.ts';
import { TracerSpanProcessor } from '../../src/service/tracer-span-processor.ts';
import { memoryVconStore } from '../../src/vcon-store/index.ts';
import { turns } from '../support/random-chain.ts';
import { startSdk, type TestSdk } from '../support/sdk.ts';

let sdk: TestSdk | undefined;
afterEach(async () => {
  await sdk?.shutdown();
  sdk = undefined;
});

/** A tracer that is stuck until it is let go. */
function start(onFull: 'block' | 'drop') {
  const gate = Promise.withResolvers<void>();
  const bridge = new TracerSpanProcessor({
    tracers: [{ name: 'stuck', module: { trace: () => gate.promise } }],
    journal: memoryJournal({ capacity: 20, onFull }),
    drainTimeout: 20,
  });
  sdk = startSdk([bridge]);
  const vcons = memoryVconStore();
  const links: string[] = [];
  const a: Link = {
    name: 'a',
    run: (uuid) => {
      links.push(uuid);
      return uuid;
    },
  };
  const run = (uuid: string) => runChain({ name: 'main', links: [a] }, { uuid }, { vcons, queue: vcons });
  return { bridge, release: gate.resolve, run, links };
}

describe('while the journal is full', () => {
  test('a chain that starts waits for room, although no tracer of it is fail-closed', async () => {
    const { bridge, release, run, links } = start('block');
    for (let i = 0; i < 5; i += 1) {
      await run('early');
      await turns(1);
    }
    expect([bridge.full, links.length]).toEqual([true, 5]);
    let room = false;
    const waiting = bridge.room().then(() => {
      room = true;
    });
    const running = ['V', 'W'].map(run);
    await turns(5);
    expect([room, links.length]).toEqual([false, 5]);
    release();
    expect(await Promise.all(running)).toMatchObject([{ outcome: 'complete' }, { outcome: 'complete' }]);
    await waiting;
    expect(links.slice(5).toSorted()).toEqual(['V', 'W']);
    await bridge.forceFlush();
    expect(bridge.stats()).toMatchObject({
      events: 28,
      tracers: { stuck: { ok: 28, dropped: 0, pending: 0 } },
    });
    expect(bridge.full).toBe(false);
    await bridge.room();
  });

  test('whoever does not wait loses the oldest events, counted, and memory is bounded', async () => {
    const { bridge, release } = start('block');
    for (let i = 0; i < 30; i += 1) await traceChain({ name: 'main', links: [] }, 'V', () => {});
    release();
    await bridge.forceFlush();
    const { ok = 0, dropped = 0, pending } = bridge.stats().tracers.stuck ?? {};
    expect([ok + dropped, pending]).toEqual([60, 0]);
    expect(dropped).toBeGreaterThan(0);
  });

  test('nobody waits where it is to drop', async () => {
    const { bridge, run } = start('drop');
    for (let i = 0; i < 10; i += 1) expect(await run('V')).toMatchObject({ outcome: 'complete' });
    expect(bridge.full).toBe(false);
    await bridge.room();
  });

  test('a shutdown lets those go who wait for room', async () => {
    const { bridge, run } = start('block');
    for (let i = 0; i < 5; i += 1) await run('early');
    const running = run('V');
    await bridge.shutdown();
    expect(await running).toMatchObject({ outcome: 'complete' });
    expect(bridge.full).toBe(false);
    await bridge.room();
  });
});
