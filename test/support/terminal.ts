import { spawn, spawnSync } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** Something to be typed, as soon as something has appeared after what the step before expected. */
export type TypedStep = readonly [expected: string, typed: string];

/** What a program has shown on a terminal, and how it ended. */
export interface TerminalSession {
  /** Negative: the number of the signal. */
  readonly code: number;
  /** With the control sequences; what was typed is part of it, as a terminal echoes it. */
  readonly output: string;
}

/** Runs a program on a terminal of its own (Python has one to give) and types into it. */
export async function onTerminal(
  argv: readonly string[],
  steps: readonly TypedStep[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<TerminalSession> {
  const child = spawn('python3', [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(
    JSON.stringify({ argv, steps, cwd, env: { TERM: 'xterm', ...env }, seconds: HANGS_AFTER_SECONDS }),
  );
  return JSON.parse(await text(child.stdout)) as TerminalSession;
}

/** Which of some programs are not on PATH, as the reason for which a test is skipped; undefined if all are there. */
export function missingPrograms(...names: readonly string[]): string | undefined {
  const missing = names.filter((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).error);
  return missing.length > 0 ? `not on PATH: ${missing.join(', ')}` : undefined;
}

const SCRIPT = fileURLToPath(new URL('terminal.py', import.meta.url));
const HANGS_AFTER_SECONDS = 300;
