import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, vi } from 'vitest';
import { PATIENCE } from '../support/eventually.ts';

/** What `npx vcon-otel` runs. */
export const LAUNCHER = fileURLToPath(new URL('../../bin/vcon-otel.js', import.meta.url));
/** Milliseconds after which a command is killed: far more than any of them takes. */
const TIMEOUT = 1_500_000;

/** What a test that failed has left running. */
const alive = new Set<ChildProcess>();
afterAll(() => {
  for (const child of alive) child.kill('SIGKILL');
});

export interface Surroundings {
  readonly cwd?: string;
  /** All that the command sees of the environment, beside PATH. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  /** What ended it, where it did not end by itself. */
  readonly signal?: NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that is running. */
export interface Running {
  readonly child: ChildProcess;
  /** Resolves when standard output holds this text. */
  printed(text: string): Promise<void>;
  /** Resolves when standard error holds this text. */
  said(text: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** Runs the real command line to its end. */
export function vconOtel(args: readonly string[], surroundings: Surroundings = {}): Promise<Ended> {
  return startVconOtel(args, surroundings).ended;
}

/** Starts the real command line with this very Node.js. Whatever it does, it is killed in the end. */
export function startVconOtel(args: readonly string[], { cwd, env = {} }: Surroundings = {}): Running {
  return startNode([LAUNCHER, ...args], { ...(cwd === undefined ? {} : { cwd }), env });
}

/** As {@link startVconOtel}, for any script. */
export function startNode(args: readonly string[], { cwd, env = {} }: Surroundings = {}): Running {
  const child = spawn(process.execPath, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT,
    killSignal: 'SIGKILL',
  });
  alive.add(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      alive.delete(child);
      resolve({ code, ...(signal && { signal }), stdout, stderr });
    });
  });
  const holds = async (text: string, read: () => string) => {
    await vi.waitUntil(() => read().includes(text) || child.exitCode !== null, PATIENCE);
    if (!read().includes(text)) throw new Error(`ended with ${child.exitCode} before that: ${stderr}`);
  };
  return {
    child,
    ended,
    printed: (text) => holds(text, () => stdout),
    said: (text) => holds(text, () => stderr),
  };
}

/** A folder of one's own. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'vcon-otel-cli-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** The lines of a text that ends with a line break, each read as JSON. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The spans of a file of OTLP JSON lines. */
export function spansOfLines(text: string): { name: string; traceId: string }[] {
  type Batch = { resourceSpans: { scopeSpans: { spans: { name: string; traceId: string }[] }[] }[] };
  return (jsonLines(text) as unknown as Batch[]).flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
  );
}
