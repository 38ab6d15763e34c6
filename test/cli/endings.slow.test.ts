import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startVconOtel } from './command-line.ts';
import { journalFolder, openJournal, runEvents } from './kept-runs.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/vcon-otel.js', import.meta.url));

/** A port whose connections are taken and never answered: everything that is sent there is swallowed. */
async function swallowing(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('whatever hangs, a service ends within its one deadline and says what it left behind', async () => {
  const cwd = temporaryFolder();
  const port = await swallowing();
  const url = `http://127.0.0.1:${port}`;
  const delivery = { concurrency: 10 };
  const config = {
    shutdown_timeout: '3s',
    tracers: {
      feeder: {
        module: fileURLToPath(new URL('../faults/feeding-tracer.ts', import.meta.url)),
        isolation: 'none',
        options: { feeds: true, end: 2_000 },
      },
      trail: {
        module: 'tracers.db_audit',
        options: { driver: 'postgres', host: '127.0.0.1', port, database: 'd', user: 'u', table: 't' },
        delivery,
      },
      outside: {
        module: 'tracers.external_audit',
        options: { api_url: url, allow_private_hosts: ['127.0.0.1'] },
        delivery,
      },
      stuck: { module: join(cwd, 'stuck.mjs') },
    },
    chains: { main: {} },
    receivers: { http: { port: 0 }, redis_stream: { url: `redis://127.0.0.1:${port}` } },
    exporters: { otlp: { endpoint: url } },
    journal: { type: 'sqlite', path: join(cwd, 'journal.db') },
    health: { port: 0 },
  };
  writeFileSync(
    join(cwd, 'stuck.mjs'),
    `export default { create: () => ({ trace: () => new Promise(() => {}), shutdown: () => new Promise(() => setInterval(() => {}, 1e9)) }) };`,
  );
  writeFileSync(join(cwd, 'config.yml'), JSON.stringify(config));
  const { child, printed, ended } = startVconOtel(['serve', join(cwd, 'config.yml')], { cwd });
  await printed('ends it.');
  child.kill('SIGUSR2');
  await printed('"fed"');
  child.kill('SIGTERM');
  const { code, stdout } = await ended;
  expect(stdout).toMatch(/not ended in time, and left behind: .*tracers/);
  expect(code).toBe(1);
});

test('a tracer in code that nothing interrupts keeps no process from ending, at the first signal or the second', async () => {
  const cwd = temporaryFolder();
  writeFileSync(
    join(cwd, 'stuck.mjs'),
    `import { writeSync } from 'node:fs';
export function trace() {}
setTimeout(() => {
  writeSync(1, 'searching');
  Array.prototype.includes.call({ length: 2 ** 50 }, 1);
}, 1_000);`,
  );
  const tracers = { stuck: { module: join(cwd, 'stuck.mjs') } };
  const config = { tracers, shutdown_timeout: '5s', health: { port: 0 } };
  for (const signals of [1, 2]) {
    const journal = { type: 'sqlite', path: join(cwd, `${signals}.db`) };
    writeFileSync(join(cwd, 'config.yml'), JSON.stringify({ ...config, journal }));
    const { child, printed, ended } = startVconOtel(['serve', join(cwd, 'config.yml')], { cwd });
    await printed('searching');
    child.kill('SIGTERM');
    await printed('SIGTERM: ending');
    if (signals === 2) child.kill('SIGTERM');
    const { signal, stderr } = await ended;
    expect(stderr).toContain('a thread of a tracer does not end: the process is killed');
    expect(signal).toBe('SIGKILL');
  }
});

test('a service that is told to end during a start that goes on and on ends all the same, in good time', async () => {
  const cwd = temporaryFolder();
  writeFileSync(
    join(cwd, 'slow.mjs'),
    `import { writeSync } from 'node:fs';
writeSync(1, 'loading');
await new Promise((resolve) => setTimeout(resolve, 2 ** 30));
export function trace() {}`,
  );
  const config = {
    shutdown_timeout: '2s',
    tracers: { slow: { module: join(cwd, 'slow.mjs') } },
    journal: { type: 'sqlite', path: join(cwd, 'journal.db') },
    health: { port: 0 },
  };
  writeFileSync(join(cwd, 'config.yml'), JSON.stringify(config));
  const { child, printed, ended } = startVconOtel(['serve', join(cwd, 'config.yml')], { cwd });
  await printed('loading');
  child.kill('SIGTERM');
  const { code, stdout } = await ended;
  expect(stdout).toContain('SIGTERM: ended before the start did');
  expect(code).toBe(0);
});

test('a client that hangs in the middle of its body keeps no service from ending well', async () => {
  const cwd = temporaryFolder();
  const config = {
    receivers: { http: { port: 0 } },
    journal: { type: 'sqlite', path: join(cwd, 'journal.db') },
  };
  writeFileSync(join(cwd, 'config.yml'), JSON.stringify(config));
  const { child, printed, ended } = startVconOtel(['serve', join(cwd, 'config.yml')], { cwd });
  let shown = '';
  child.stdout?.on('data', (text) => {
    shown += text;
  });
  await printed('ends it.');
  const port = Number(/:(\d+)\/v1\/traces/.exec(shown)?.[1]);
  const client = connect(port, '127.0.0.1').on('error', () => undefined);
  onTestFinished(() => void client.destroy());
  client.write('POST /v1/bridge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n');
  client.write('Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n');
  // It has been let in.
  await once(client, 'data');
  client.write('[');
  child.kill('SIGTERM');
  const { code, stdout } = await ended;
  expect(stdout).not.toMatch(/left behind/);
  expect(code).toBe(0);
});

test.runIf(process.platform === 'linux')('tap ends when its reader does, though nothing passes', async () => {
  const path = join(journalFolder(), 'journal.db');
  const journal = await openJournal(path);
  await journal.append(runEvents({ id: 'a' }));
  const shell = spawn(
    'sh',
    ['-c', `"$0" "$1" tap --journal "$2" --last 100 | head -2`, process.execPath, LAUNCHER, path],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  let lines = '';
  shell.stdout.setEncoding('utf8').on('data', (text: string) => {
    lines += text;
  });
  // The shell waits for both.
  const [code] = (await once(shell, 'close')) as [number];
  expect([code, lines.trimEnd().split('\n')]).toEqual([0, expect.objectContaining({ length: 2 })]);
});
