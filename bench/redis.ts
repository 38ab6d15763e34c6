import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** Whether there is a `redis-server` to compare with. */
export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;
}

export interface Redis {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a Redis on the loopback interface that keeps an append-only file; it never outlives this process. */
export async function startRedis(folder: string, appendfsync: 'always' | 'everysec'): Promise<Redis> {
  const port = await freePort();
  const settings = { save: '', appendonly: 'yes', appendfsync, port: String(port), bind: '127.0.0.1' };
  const args = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]);
  const child = spawn('redis-server', args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const gone = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout }))
    if (line.includes('Ready to accept connections')) {
      child.stdout.resume();
      const stop = async () => {
        kill();
        await gone;
        process.off('exit', kill);
      };
      return { port, stop };
    }
  throw new Error(`redis-server did not start on port ${port}`);
}

/** A port of the loopback interface that nobody has. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
