import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { describeWithRedis, startRedisServer } from '../redis-server.ts';
import { FactWorker } from '../support/fact-worker.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { missingPrograms, onTerminal } from '../support/terminal.ts';
import { jsonLines, LAUNCHER, startVconOtel } from './command-line.ts';
import { beginRun, startLiveService, UUID } from './live.ts';

const OTHER = '0191e5a0-7c4f-8f6e-8b6a-3c1d2e4f5a6c';
const ESC = String.fromCharCode(27);

describe('follow', () => {
  test('waits for a run, prints each change once, and goes on in the next chain and under the next uuid', async () => {
    const service = await startLiveService();
    const follow = startVconOtel(['follow', UUID, '--url', service.url]);
    await follow.said(`waiting for a run of ${UUID}`);
    const first = beginRun('intake');
    const stranger = beginRun('stranger', OTHER);
    await follow.printed('link_start');
    await first.end(OTHER);
    await follow.printed('chain_complete');
    const second = beginRun('delivery', OTHER);
    await follow.printed('delivery');
    await second.end(new RangeError());
    await follow.printed('chain_error');
    await stranger.end();
    follow.child.kill('SIGTERM');
    const { code, stdout } = await follow.ended;
    expect(code).toBe(0);
    // The stranger's vCon is, from then on, this one.
    const lines = stdout
      .trimEnd()
      .split('\n')
      .filter((line) => !line.includes('stranger'));
    expect(lines.map((line) => line.split(/ {2,}/).slice(1, 3).join(' '))).toEqual([
      ...['chain_start intake', 'link_start intake', 'link_complete intake', 'chain_complete intake'],
      ...['chain_start delivery', 'link_start delivery', 'link_error delivery', 'chain_error delivery'],
    ]);
    expect(lines.at(-1)).toContain('RangeError');
  });

  test.each<[string, string | false | Error, number]>([
    ['complete', UUID, 0],
    ['halted', false, 3],
    ['error', new RangeError(), 4],
  ])('until it is over: a run that is %s ends it with its code', async (outcome, how, code) => {
    const service = await startLiveService();
    const run = beginRun('intake');
    const follow = startVconOtel(['follow', UUID, '--url', service.url, '--until', 'complete', '--json']);
    await follow.printed('"event":"link_start"');
    await run.end(how);
    const ended = await follow.ended;
    expect(ended.code).toBe(code);
    expect(jsonLines(ended.stdout).at(-1)).toMatchObject({ chain: 'intake', outcome, in_vcon_uuid: UUID });
    // Whoever comes later is told at once.
    const second = await startVconOtel(['follow', UUID, '--url', service.url, '--until', 'complete']).ended;
    expect([second.code, second.stdout.split('\n').length]).toEqual([code, 5]);
  });

  test('an interruption before that is none of these ends, and a service that was away is heard again', async () => {
    const service = await startLiveService();
    const follow = startVconOtel(['follow', UUID, '--url', service.url, '--until', 'complete']);
    await follow.said('waiting');
    await service.stop();
    await follow.said('trying again');
    await service.again();
    const run = beginRun('intake');
    await follow.printed('link_start');
    follow.child.kill('SIGINT');
    expect((await follow.ended).code).toBe(130);
    await run.end();
  });

  test.skipIf(missingPrograms('python3'))(
    'on a terminal a waterfall is drawn in its place, and stays when it is over',
    async () => {
      const service = await startLiveService();
      const run = beginRun('intake');
      const { code, output, restored } = await onTerminal(
        [process.execPath, LAUNCHER, 'follow', UUID, '--url', service.url],
        [
          ['not over yet', ''],
          // Three lines, drawn once more.
          [`${ESC}[3A`, () => run.end()],
          ['✓ intake', '\u0003'],
        ],
        { cwd: temporaryFolder(), env: { PATH: process.env.PATH ?? '', NO_COLOR: '1' }, size: [100, 30] },
      );
      expect([code, restored]).toEqual([0, true]);
      const last = output.slice(output.lastIndexOf('✓ intake'));
      expect(last).toMatch(/✓ intake {2}\S+ {2}complete[\s\S]*✓ link\.tag/);
    },
  );
});

describeWithRedis('follow on a stream', () => {
  test('prints a run of the conserver as its facts come', async () => {
    const server = await startRedisServer();
    onTestFinished(server.stop);
    const redis = new Redis(server.url);
    onTestFinished(() => redis.disconnect());
    const add = (fact: string) => redis.xadd('facts', '*', 'record', fact);
    const worker = new FactWorker(1);
    const follow = startVconOtel([
      ...['follow', UUID, '--redis', server.url, '--stream', 'facts', '--until', 'complete'],
    ]);
    await follow.said('waiting');
    await add(worker.attach());
    const run = worker.run(1, { name: 'main', links: ['tag'], storages: ['disk'] }, UUID);
    for (let fact = 0; fact < 3; fact += 1) await add(run.next().value ?? '');
    await follow.printed('link_start');
    for (const fact of run) await add(fact);
    const { code, stdout } = await follow.ended;
    expect(code).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/)[1]),
    ).toEqual([
      ...[
        'chain_start',
        'link_start',
        'link_complete',
        'storage_start',
        'storage_complete',
        'chain_complete',
      ],
    ]);
  });
});
