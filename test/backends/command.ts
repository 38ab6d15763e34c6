import { execFile } from 'node:child_process';

/** How a command ended. `code` is null where it could not be started. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, for half an hour at most. */
export function command(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ended> {
  const settings = {
    timeout: 1_800_000,
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
  };
  return new Promise((resolve) => {
    const child = execFile(program, args, settings, (error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr: stderr || (error?.message ?? '') }),
    );
  });
}
