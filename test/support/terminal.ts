import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/**
 * Something to be typed, or done, as soon as something has appeared after what the step before expected. `stopped` waits until the program is stopped, and
 * continues it.
 */
export type TypedStep = readonly [
  expected: string,
  typed:
    | string
    | { readonly resize: readonly [columns: number, rows: number] }
    | { readonly signal: NodeJS.Signals }
    | { readonly stopped: true }
    | (() => Promise<unknown>),
];

/** What a program has shown on a terminal, and how it ended. */
export interface TerminalSession {
  /** Negative: the number of the signal. */
  readonly code: number;
  /** With the control sequences; what was typed is part of it, as a terminal echoes it. */
  readonly output: string;
  /** Whether the terminal's modes were as before whenever the program was stopped, and when it had ended. */
  readonly restored: boolean;
}

/** Where a program runs. */
export interface TerminalSurroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly size?: readonly [columns: number, rows: number];
}

/** Runs a program on a terminal of its own (Python has one to give) and types into it. */
export async function onTerminal(
  argv: readonly string[],
  steps: readonly TypedStep[],
  { cwd, env, size }: TerminalSurroundings,
): Promise<TerminalSession> {
  const child = spawn('python3', [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  const asked = steps.map(([expected, what]) => [
    expected,
    typeof what === 'function' ? { call: true } : what,
  ]);
  const calls = steps.flatMap(([, what]) => (typeof what === 'function' ? [what] : []));
  const surroundings = { cwd, size, env: { TERM: 'xterm', ...env } };
  child.stdin.write(
    `${JSON.stringify({ argv, steps: asked, ...surroundings, seconds: HANGS_AFTER_SECONDS })}\n`,
  );
  let told = '';
  for await (const line of createInterface({ input: child.stdout })) {
    told = line;
    if (line !== '') continue;
    await calls.shift()?.();
    child.stdin.write('\n');
  }
  return JSON.parse(told) as TerminalSession;
}

/** Which of some programs are not on PATH, as the reason for which a test is skipped; undefined if all are there. */
export function missingPrograms(...names: readonly string[]): string | undefined {
  const missing = names.filter((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).error);
  return missing.length > 0 ? `not on PATH: ${missing.join(', ')}` : undefined;
}

const SCRIPT = fileURLToPath(new URL('terminal.py', import.meta.url));
const HANGS_AFTER_SECONDS = 300;
