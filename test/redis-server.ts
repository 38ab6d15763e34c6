import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { afterUs } from './support/after-us.ts';
import { describeWith, freePort } from './support/server.ts';

/** A real Redis on the loopback interface, in memory only. */
export interface RedisServer {
  readonly pid: number | undefined;
  readonly port: number;
  readonly url: string;
  /** Kills it, as a crash would. Safe twice. */
  stop(): Promise<void>;
}

/** Tests that need a Redis. */
export function describeWithRedis(name: string, body: () => void): void {
  describeWith('redis-server', missingRedis(), name, body);
}

/** What to install; undefined where it is there. */
export function missingRedis(): string | undefined {
  return installed ? undefined : MISSING;
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

/**
 * A database of a Redis that all tests of this worker share: it is started once, and ends with the worker. For whoever neither stops it nor changes its
 * settings.
 */
export async function sharedRedis(): Promise<RedisServer> {
  shared ??= startRedisServer(undefined, ['--databases', '10000']).then((server) => {
    afterUs('kill -9 "$1"', String(server.pid));
    return server;
  });
  const { pid, port, url } = await shared;
  databases += 1;
  return { pid, port, url: `${url}/${databases}`, stop: async () => {} };
}

let shared: Promise<RedisServer> | undefined;
let databases = 0;

const MISSING = 'install the Debian package redis-server';
const installed = spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;

/**
 * Starts a sentinel and waits until it watches something.
 * @param file its configuration, in which it writes
 */
export function startSentinel(file: string, port: number): Promise<RedisServer> {
  return started([file, '--sentinel'], port, '+monitor');
}

function listening(port: number, settings: string[]): Promise<RedisServer> {
  return started(['--save', '', '--appendonly', 'no', ...settings], port, 'Ready to accept connections');
}

/** @param sign what it writes once it can be used */
async function started(settings: string[], port: number, sign: string): Promise<RedisServer> {
  const child = spawn('redis-server', [...settings, '--port', String(port), '--bind', '127.0.0.1'], {
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  for await (const line of createInterface({ input: child.stdout }))
    if (line.includes(sign)) {
      child.stdout.resume();
      return { pid: child.pid, port, url: `redis://127.0.0.1:${port}`, stop: () => stopped(child) };
    }
  throw new Error(`redis-server did not start on port ${port}`);
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
