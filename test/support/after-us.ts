import { spawn } from 'node:child_process';

/**
 * Has a shell do something when this process has ended, however it ends: a worker of tests is killed, and hears no `exit`.
 * @param script with `$1` and so on for the arguments
 */
export function afterUs(script: string, ...args: readonly string[]): void {
  // Its standard input is a pipe that nobody writes to, and that ends with us.
  const shell = spawn('sh', ['-c', `cat; ${script}`, 'sh', ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.unref();
  shell.stdin?.on('error', () => undefined);
  (shell.stdin as unknown as { unref?: () => void } | null)?.unref?.();
}
