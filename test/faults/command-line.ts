import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { require } from './fault.ts';

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line itself, as seen from this folder. */
export const VCON_OTEL = join('..', '..', 'bin', 'vcon-otel.js');

/** Runs the real command line to its end. @param under what runs it, with arguments */
export function vconOtel(args: readonly string[], under: readonly string[] = []): Promise<Ended> {
  const [command = '', ...rest] = [...under, process.execPath, join(import.meta.dirname, VCON_OTEL), ...args];
  return new Promise((resolve) => {
    const child = execFile(command, rest, LIMITS, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** The JSON document that a command prints. @throws Error if it fails, or says more */
export async function jsonOf(args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await vconOtel(args);
  require(code === 0 && stderr === '', () => `vcon-otel ${args.join(' ')} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

const LIMITS = { timeout: 900_000, killSignal: 'SIGKILL', maxBuffer: 2 ** 28 } as const;
