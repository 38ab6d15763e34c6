import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { eventually } from '../support/eventually.ts';

/** What is started, and how it is known to be there. */
export interface RunningSettings {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Gets what it writes. */
  readonly log: string;
  /** Answers 200 when it is ready. */
  readonly ready: string;
}

/** A program of the stack, which can be ended and started again. */
export class Running {
  readonly #settings: RunningSettings;
  #child: ChildProcess | undefined;

  constructor(settings: RunningSettings) {
    this.#settings = settings;
  }

  /** @throws Error with the end of its log if it does not come up */
  async start(): Promise<void> {
    const { program, args, env = {}, cwd, log, ready } = this.#settings;
    const output = openSync(log, 'a');
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    this.#child = child;
    const kill = () => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    await eventually(
      `${program} is ready`,
      async () => {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`${program} ended: ${readFileSync(log, 'utf8').slice(-2_000)}`);
        return (await answers(ready)) || undefined;
      },
      60_000,
    );
  }

  /** Asks it to end, insists after half a minute, and waits until it has. Safe twice. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    const insist = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
    await exit;
    clearTimeout(insist);
  }
}

/** Milliseconds. */
const PATIENCE = 30_000;

async function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}
