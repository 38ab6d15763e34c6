import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { describeWithRedis, startRedisServer } from '../redis-server.ts';
import { FactWorker } from '../support/fact-worker.ts';
import { freePort } from '../support/server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { missingPrograms, onTerminal, type TypedStep } from '../support/terminal.ts';
import { LAUNCHER, startVconOtel, vconOtel } from './command-line.ts';
import { beginRun, screenOf, startLiveService, UUID } from './live.ts';

const ESC = String.fromCharCode(27);
const LEFT = `${ESC}[?25h${ESC}[?1049l`;
const PATH = process.env.PATH ?? '';

function topOnTerminal(
  args: readonly string[],
  steps: readonly TypedStep[],
  size: readonly [columns: number, rows: number] = [100, 30],
  env: Readonly<Record<string, string>> = {},
) {
  const argv = [process.execPath, LAUNCHER, 'top', ...args];
  return onTerminal(argv, steps, { cwd: temporaryFolder(), env: { PATH, ...env }, size });
}

describe.skipIf(missingPrograms('python3'))('top on a terminal', () => {
  test('both views show the traffic of the demo, and keys filter, explain and end it', async () => {
    const demo = startVconOtel(['demo', '--open', '--out', join(temporaryFolder(), 'out')]);
    let said = '';
    demo.child.stdout?.on('data', (text: string) => {
      said += text;
    });
    onTestFinished(async () => {
      demo.child.kill('SIGTERM');
      expect((await demo.ended).code).toBe(0);
    });
    await demo.printed('Ctrl-C ends it');
    const url = /http:\S+/.exec(said)?.[0] ?? '';
    const { code, output, restored } = await topOnTerminal(
      ['--url', url],
      [
        ['✓ intake', 't'],
        ['[Tracers]', '/'],
        ['Esc shows all', 'AUDI'],
        ['/AUDI_', '\r'],
        ['only "AUDI"', '?'],
        ['ends it', '?'],
        ['closed', 'q'],
      ],
    );
    expect([code, restored, output.endsWith(LEFT)]).toEqual([0, true, true]);
    const screen = screenOf(output);
    expect(screen[0]).toContain('vcon-otel-demo');
    expect(screen.filter((line) => /^(audit|db|compliance) /.test(line))).toHaveLength(1);
  });

  test.each<[string, TypedStep, number]>([
    ['Ctrl-C', ['▸ intake', '\u0003'], 0],
    ['SIGTERM', ['▸ intake', { signal: 'SIGTERM' }], 0],
    ['SIGINT', ['▸ intake', { signal: 'SIGINT' }], 0],
  ])('after %s the terminal is as it was', async (_, step, expected) => {
    const { url } = await startLiveService();
    const run = beginRun('intake');
    const { code, output, restored } = await topOnTerminal(['--url', url], [step]);
    await run.end();
    expect([code, restored]).toEqual([expected, true]);
    expect(output).toContain(LEFT);
  });

  test('Ctrl-Z gives the terminal back until it is continued, and then it draws everything again', async () => {
    const { url } = await startLiveService();
    const run = beginRun('intake');
    const { code, output, restored } = await topOnTerminal(
      ['--url', url],
      [
        ['▸ intake', '\u001a'],
        [LEFT, { stopped: true }],
        [`${ESC}[?1049h`, ''],
        ['▸ intake', 'q'],
      ],
    );
    await run.end();
    expect([code, restored, output.endsWith(LEFT)]).toEqual([0, true, true]);
  });

  test('an error is told when the terminal is as it was', async () => {
    const { url } = await startLiveService({ token: 'a-long-and-secret-token' });
    const { code, output, restored } = await topOnTerminal(['--url', url], []);
    expect([code, restored]).toEqual([1, true]);
    const after = output.slice(output.indexOf(LEFT));
    expect(after).toContain(`${url} asks for a token`);
    const env = { VCON_OTEL_ADMIN_TOKEN: 'a-long-and-secret-token' };
    const second = await topOnTerminal(['--url', url], [['● live', 'q']], [100, 30], env);
    expect(second.code).toBe(0);
  });

  test('another size is drawn at once, down to 40 columns, and without colours only marks and words are left', async () => {
    const { url } = await startLiveService();
    const runs = Array.from({ length: 30 }, (_, i) =>
      beginRun(`a chain with a rather long name, number ${i}`),
    );
    const { code, output } = await topOnTerminal(
      ['--url', url],
      [
        ['of 30', { resize: [40, 12] }],
        [`${ESC}[2J`, ''],
        ['of 30', 'q'],
      ],
      [120, 40],
      { NO_COLOR: '1' },
    );
    for (const run of runs) await run.end();
    expect(code).toBe(0);
    const screen = screenOf(output);
    expect(screen.length).toBe(12);
    expect(screen.filter((line) => line.length > 40)).toEqual([]);
    const colours = [...output.matchAll(new RegExp(`${ESC}\\[(\\d+)m`, 'g'))].map(([, code]) => code);
    expect(new Set(colours)).toEqual(new Set(['0']));
  });

  test('a service that is away is told, and seen again when it is back', async () => {
    const service = await startLiveService();
    let after: ReturnType<typeof beginRun> | undefined;
    const { code } = await topOnTerminal(
      ['--url', service.url],
      [
        ['● live', service.stop],
        ['trying again', service.again],
        ['● live', async () => (after = beginRun('after'))],
        ['▸ after', 'q'],
      ],
    );
    await after?.end();
    expect(code).toBe(0);
  });

  test('what a name holds does not reach the terminal', async () => {
    const { url } = await startLiveService();
    const run = beginRun(`evil${ESC}]0;title\u0007\u202echain`);
    const { output } = await topOnTerminal(['--url', url], [['▸ evil', 'q']]);
    await run.end();
    expect(output).toContain('▸ evilchain');
    expect(output).not.toContain(`${ESC}]`);
    expect(output).not.toContain('\u202e');
  });
});

describe('top without a terminal', () => {
  test('prints a line a second, and ends when nobody reads any more', async () => {
    const { url } = await startLiveService();
    const run = beginRun('intake');
    const top = spawn(process.execPath, [LAUNCHER, 'top', '--url', url], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH },
    });
    const exit = once(top, 'exit');
    let text = '';
    for await (const piece of top.stdout) {
      text += piece;
      if (text.split('\n').length > 2) break;
    }
    expect((await exit)[0]).toBe(0);
    await run.end();
    const [line = ''] = text.split('\n').filter((one) => one.includes('intake'));
    expect(JSON.parse(line)).toMatchObject({
      away: null,
      running: 1,
      stalled: 0,
      chains: [{ chain: 'intake', running: 1, per_minute: 0, p99: null, complete: 0, error: 0 }],
      oldest: [{ chain: 'intake', vcon: UUID, step: 'tag', steps: 1, stalled: false }],
    });
  });

  test('says that nothing answers, and that there is no page; a secret among the arguments is refused', async () => {
    const nobody = startVconOtel(['top', '--json', '--url', `http://127.0.0.1:${await freePort()}`]);
    await nobody.said('could not be reached (ECONNREFUSED); trying again');
    await nobody.printed('ECONNREFUSED');
    nobody.child.kill('SIGTERM');
    expect((await nobody.ended).code).toBe(0);
    const { url } = await startLiveService({ page: false });
    const { code, stderr } = await vconOtel(['top', '--json', '--url', url]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('has no page')]);
    const refused = await vconOtel(['top', '--redis', 'redis://:secret@127.0.0.1:6379']);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('into a configuration')]);
  });
});

describeWithRedis('top on a stream', () => {
  test('sees what is added from now on, and takes nothing from the group that reads it', async () => {
    const server = await startRedisServer();
    onTestFinished(server.stop);
    const redis = new Redis(server.url);
    onTestFinished(() => redis.disconnect());
    const stream = 'vcon-otel:events';
    const add = (fact: string) => redis.xadd(stream, '*', 'record', fact);
    const worker = new FactWorker(1);
    await redis.xgroup('CREATE', stream, 'vcon-otel', '0', 'MKSTREAM');
    await add(worker.attach());
    const chain = { name: 'main', links: ['tag', 'sum'], storages: ['disk'] };
    for (const fact of worker.run(1, { ...chain, name: 'before' })) await add(fact);
    const top = startVconOtel(['top', '--redis', server.url]);
    onTestFinished(() => void top.child.kill('SIGKILL'));
    await top.printed('"away":null');
    const run = worker.run(2, chain, UUID);
    for (let fact = 0; fact < 4; fact += 1) await add(run.next().value ?? '');
    await top.printed(`"vcon":"${UUID}"`);
    await top.printed('"step":"tag"');
    for (const fact of run) await add(fact);
    await top.printed('"complete":1');
    top.child.kill('SIGTERM');
    const { stdout, code } = await top.ended;
    expect(code).toBe(0);
    expect(stdout).not.toContain('before');
    const [group] = (await redis.xinfo('GROUPS', stream)) as unknown[][];
    expect(group?.slice(0, 8)).toEqual([
      ...['name', 'vcon-otel', 'consumers', 0, 'pending', 0, 'last-delivered-id', '0-0'],
    ]);
  });
});
