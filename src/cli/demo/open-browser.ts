import { spawn } from 'node:child_process';
import { platform } from 'node:os';

/** Shows an address in the browser of whoever sits here, where the system knows one; otherwise nothing happens. */
export function openBrowser(url: string): void {
  const [command, ...args] = OPENERS[platform()] ?? ['xdg-open'];
  const opener = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
  opener.on('error', () => undefined);
  opener.unref();
}

const OPENERS: Readonly<Record<string, [command: string, ...args: string[]]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};
