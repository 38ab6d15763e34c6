import { type ChildProcess, spawn } from 'node:child_process';
import { type FSWatcher, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** What may be changed by hand; a journal or a log changes by itself. */
const SOURCES = /\.(?:[cm]?[jt]s|py|ya?ml)$/;
/** Milliseconds of quiet before a start: editors write in several steps. */
const QUIET = 200;

/**
 * Runs `dev` in a process of its own, and again when a source beside the file, or in a `tracers` folder there, has changed. A module that
 * was loaded once stays loaded, so nothing less than a new process has it as it is now.
 * @returns the exit code, when a signal has come
 */
export async function restartOnChange(
  file: string | undefined,
  { stdout, signal }: { readonly stdout: NodeJS.WritableStream; readonly signal: () => Promise<string> },
): Promise<number> {
  let child: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isEnding = false;
  const start = () => {
    const args = [
      ...process.execArgv,
      process.argv[1] ?? '',
      'dev',
      ...(file === undefined ? [] : [file]),
      '--no-watch',
    ];
    const begun = spawn(process.execPath, args, { stdio: 'inherit' });
    child = begun;
    begun.once('exit', (code) => {
      if (child === begun) child = undefined;
      if (!isEnding && code !== 0) stdout.write('\nIt has ended; a change starts it again.\n');
    });
  };
  const again = async () => {
    stdout.write('\nA file has changed: starting again.\n');
    await ended(child);
    if (!isEnding) start();
  };
  const folder = file === undefined ? '.' : dirname(resolve(file));
  const watchers = ['.', 'tracers'].flatMap((name) =>
    watched(resolve(folder, name), () => {
      clearTimeout(timer);
      timer = setTimeout(() => void again(), QUIET);
    }),
  );
  start();
  await signal();
  isEnding = true;
  clearTimeout(timer);
  for (const watcher of watchers) watcher.close();
  await ended(child);
  return 0;
}

function watched(folder: string, changed: () => void): FSWatcher[] {
  try {
    return [watch(folder, (_kind, name) => name !== null && SOURCES.test(name) && changed())];
  } catch {
    // There is none.
    return [];
  }
}

/** Asks a process to end, and waits until it has. */
function ended(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
