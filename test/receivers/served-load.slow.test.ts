import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { happenedThere, type Passage } from '../assembly/python-conserver.ts';
import { Forwarder, STREAM } from '../faults/forwarder.ts';
import type { LoopDelay } from '../faults/loop-delay-tracer.ts';
import { spansOnTheWire } from '../faults/on-the-wire.ts';
import { ReceivingService } from '../faults/receiving-service.ts';
import { streamRead } from '../faults/stream-read.ts';
import { describeWithRedis, startRedisServer } from '../redis-server.ts';

const BODIES = 40;
const SPANS = 512;
/** A chain, five links, two storages. */
const SPANS_OF_A_RUN = 8;
const RECORDS = 4_000;
/** Requests under way at a time. */
const AT_A_TIME = 4;
/**
 * Milliseconds that the process may work until others have their turn, 999 times out of 1,000; what was seen are
 * some 35, and a processor may be many times slower. Time that it was not given does not count: by how much turns were late is
 * printed only.
 */
const UNNOTICED = 500;

describeWithRedis('a service under load', () => {
  test('has turns for others: spans over HTTP, records over a stream, three tracers', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-load-'));
    const redis = await startRedisServer();
    const { spans, plans } = happenedThere(
      Array.from({ length: (BODIES * SPANS) / SPANS_OF_A_RUN }, passage),
    );
    const file = join(folder, 'loop-delay.json');
    const service = new ReceivingService(folder, {
      chains: plans,
      receivers: { redis_stream: { url: redis.url, stream: STREAM } },
      tracers: {
        watch: {
          module: join(import.meta.dirname, '../faults/loop-delay-tracer.ts'),
          // It watches the thread that it is in.
          isolation: 'none',
          options: { file },
        },
      },
    });
    const forwarder = new Forwarder(redis.url);
    try {
      const bodies = Array.from({ length: BODIES }, (_, i) =>
        gzipSync(spansOnTheWire(spans.slice(i * SPANS, (i + 1) * SPANS)).protobuf),
      );
      await service.start();
      const send = async () => {
        for (let body = bodies.pop(); body; body = bodies.pop())
          await service.post({ path: '/v1/traces', type: 'application/x-protobuf', body, encoding: 'gzip' });
      };
      await Promise.all([forwarder.add(RECORDS), ...Array.from({ length: AT_A_TIME }, send)]);
      await streamRead(forwarder.client, STREAM);
      const { receivers } = await service.quiet();
      const heard = await service.end();
      const { worked, late } = JSON.parse(readFileSync(file, 'utf8')) as LoopDelay;
      console.log('event loop, ms:', JSON.stringify({ worked, late }));
      expect([receivers.spans.accepted, receivers.records.accepted]).toEqual([BODIES * SPANS, RECORDS]);
      expect(heard.map(({ runs }) => runs.length)).toEqual(
        heard.map(() => (BODIES * SPANS) / SPANS_OF_A_RUN + RECORDS / 2),
      );
      expect(worked.p999).toBeLessThan(UNNOTICED);
    } finally {
      forwarder.close();
      await redis.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function passage(_: unknown, i: number): Passage {
  return {
    chain: 'main',
    vcon: `loaded-${i}`,
    acts: ['same', 'same', 'new', 'same', 'same'],
    storages: [{ fails: false }, { fails: false }],
    parallel: false,
    start: i * 2,
    endsAfterFailure: true,
    collectedIn: [],
  };
}
