import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { jsonLines } from '../cli/command-line.ts';
import { describeWithRedis, sharedRedis } from '../redis-server.ts';
import { eventually } from '../support/eventually.ts';
import { FIXTURES, fixture, folderOfTest, type HeardByRun, hear, startUpgraded } from './upgraded.ts';

/** What 0.1 makes of the entries. */
interface Kept {
  readonly settle: number;
  readonly chains: Readonly<Record<string, { links: string[]; storages?: string[] }>>;
  readonly heard: Readonly<Record<string, HeardByRun>>;
}

describeWithRedis('a stream that the forwarder of 0.1 has written', () => {
  test('becomes the calls that 0.1 made of it, but that whether the last link halted the chain is unknown', async () => {
    const { settle, chains, heard } = await fixture<Kept>('stream.json');
    const entries = jsonLines(await readFile(join(FIXTURES, 'stream.jsonl'), 'utf8'));
    await using server = await startRedis();
    for (const { record } of entries)
      await server.redis.xadd('vcon-otel:events', '*', 'record', String(record));
    const told = hear(['answers']);
    const service = await startUpgraded({
      chains,
      tracers: told.tracers,
      journal: { type: 'sqlite', path: join(await folderOfTest(), 'journal.db') },
      receivers: { redis_stream: { url: server.url }, assembler: { settle: `${settle}ms` } },
    });
    await eventually('all is read', () =>
      service.tracing.stats().receivers?.records.accepted === entries.length ? true : undefined,
    );
    await service.settled();
    const { receivers } = service.tracing.stats();
    await service.tracing.shutdown();
    expect(told.heard()).toEqual({ answers: asKnown(heard.answers ?? {}) });
    expect(receivers?.issues).toEqual({});
  });
});

/** Records tell of no end, and 0.1 guessed it. */
function asKnown(heard: HeardByRun): HeardByRun {
  return Object.fromEntries(
    Object.entries(heard).map(([run, calls]) => {
      const last = calls.findLast((call) => call.includes(' · link/'))?.split(' · ')[1];
      return [
        run,
        calls.map((call) =>
          call
            .replace('chain/complete complete', 'chain/complete unknown')
            .replace(last ?? 'none', (end) => end.replace(/success$/, 'unknown')),
        ),
      ];
    }),
  );
}

async function startRedis() {
  const server = await sharedRedis();
  const redis = new Redis(server.url);
  return {
    url: server.url,
    redis,
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      await server.stop();
    },
  };
}
