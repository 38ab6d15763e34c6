import { Writable } from 'node:stream';
import { runCommandLine } from '../../src/cli.ts';
import type { Ended } from './command-line.ts';

/**
 * Runs a command in this process, as {@link vconOtel} does in one of its own: for what it does and says, not for what
 * becomes of the process.
 */
export async function runInProcess(args: readonly string[], { cwd }: { cwd?: string } = {}): Promise<Ended> {
  const stdout = new Kept();
  const stderr = new Kept();
  let code = 0;
  const exit = (wanted: number) => {
    code = wanted;
  };
  const before = process.cwd();
  if (cwd !== undefined) process.chdir(cwd);
  try {
    // Nobody here ends it by a signal.
    const signal = () => new Promise<string>(() => {});
    const readerGone = () => new Promise<void>(() => {});
    const hangup = () => {};
    const surroundings = {
      stdout,
      stderr,
      colour: false,
      columns: undefined,
      tracePage: () => undefined,
      signal,
      hangup,
      readerGone,
      exit,
    };
    await runCommandLine([process.execPath, 'vcon-otel', ...args], surroundings);
  } finally {
    if (cwd !== undefined) process.chdir(before);
  }
  return { code, stdout: stdout.text, stderr: stderr.text };
}

class Kept extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
