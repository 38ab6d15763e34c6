import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { describe, test } from 'vitest';

/** A real Redis on the loopback interface, in memory only. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Kills it, as a crash would. Safe twice. */
  stop(): Promise<void>;
}

/**
 * Tests that need a Redis. Where no `redis-server` is installed they are reported as skipped, each by its
 * name; with `CI=true` that is a failure.
 */
export function describeWithRedis(name: string, body: () => void): void {
  if (installed) describe(name, body);
  else if (process.env.CI === 'true')
    describe(name, () => {
      test('redis-server is installed', () => {
        throw new Error(MISSING);
      });
    });
  else describe.skip(`${name} (skipped: ${MISSING})`, body);
}

/**
 * Starts a Redis and waits until it takes connections.
 * @param port where to listen; by default a free port
 * @param settings further `redis-server` arguments
 */
export async function startRedisServer(port?: number, settings: string[] = []): Promise<RedisServer> {
  if (port !== undefined) return listening(port, settings);
  // Between finding a free port and taking it, somebody else may have it.
  for (let attempt = 1; ; attempt++) {
    try {
      return await listening(await freePort(), settings);
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

const MISSING = 'install the Debian package redis-server';
const installed = spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;

async function listening(port: number, settings: string[]): Promise<RedisServer> {
  const child = spawn(
    'redis-server',
    ['--save', '', '--appendonly', 'no', '--port', String(port), '--bind', '127.0.0.1', ...settings],
    { cwd: tmpdir(), stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  for await (const line of createInterface({ input: child.stdout }))
    if (line.includes('Ready to accept connections')) {
      child.stdout.resume();
      return { port, url: `redis://127.0.0.1:${port}`, stop: () => stopped(child) };
    }
  throw new Error(`redis-server did not start on port ${port}`);
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
