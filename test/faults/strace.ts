import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** One system call that was traced. */
export interface SystemCall {
  readonly thread: string;
  readonly name: string;
  /** The file, where it is one of those that were asked for. */
  readonly path: string | undefined;
  readonly failed: boolean;
  /** As strace shows it. */
  readonly text: string;
  /** It was made to fail. */
  readonly injected: boolean;
}

/** System calls that are made to fail: the n-th of each thread, or all from the n-th on. */
export interface FailingCalls {
  readonly call: string;
  readonly error: 'EIO' | 'ENOSPC';
  readonly from: number;
  readonly forGood: boolean;
}

/** @returns what is missing to trace system calls, in words */
export function missingStrace(): string | undefined {
  const { error, status } = spawnSync('strace', ['-f', '-o', '/dev/null', 'true'], { stdio: 'ignore' });
  if (error) return 'install the Debian package strace';
  return status === 0 ? undefined : 'this process may not trace others (ptrace)';
}

/**
 * The command line that traces calls at files, and makes some of them fail.
 * @param log where the trace is written
 */
export function strace(
  log: string,
  calls: readonly string[],
  paths: readonly string[],
  failing?: FailingCalls,
): string[] {
  const inject = failing
    ? [
        '-e',
        `inject=${failing.call}:error=${failing.error}:when=${failing.from}${failing.forGood ? '+' : ''}`,
      ]
    : [];
  return [
    'strace',
    ...['-f', '-q', '-y', '-o', log, '--seccomp-bpf', '-e', `trace=${calls.join(',')}`, '-e', 'signal=none'],
    ...inject,
    ...paths.flatMap((path) => ['-P', path]),
  ];
}

/** The calls of a trace, in their order. A call that took long stands where it ended. */
export function readTrace(log: string): SystemCall[] {
  const unfinished = new Map<string, string>();
  return readFileSync(log, 'utf8')
    .split('\n')
    .flatMap((line): SystemCall[] => {
      const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
      if (rest.endsWith('<unfinished ...>')) {
        unfinished.set(thread, rest);
        return [];
      }
      const text = rest.startsWith('<... ') ? `${unfinished.get(thread) ?? ''} ${rest}` : rest;
      const name = /^(\w+)\(/.exec(text)?.[1];
      if (name === undefined) return [];
      return [
        {
          thread,
          name,
          path: /[<"](\/[^>"]*)[>"]/.exec(text.replace(/^\w+\(AT_FDCWD<[^>]*>/, ''))?.[1],
          text,
          failed: / = -1 /.test(text),
          injected: text.includes('(INJECTED)'),
        },
      ];
    });
}

/**
 * Makes system calls of a process fail from now on.
 * @param paths of the files they are for
 * @returns what makes them succeed again
 */
export async function failNow(
  pid: number,
  calls: readonly string[],
  error: string,
  paths: readonly string[],
): Promise<() => Promise<void>> {
  const names = calls.join(',');
  const args = ['-f', '-o', '/dev/null', '-e', `trace=${names}`, '-e', `inject=${names}:error=${error}`];
  const child = spawn('strace', [...args, ...paths.flatMap((path) => ['-P', path]), '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  const [said] = await Promise.race([once(child.stderr, 'data'), ended]);
  // Otherwise it says why it cannot.
  if (!String(said).includes('attached')) throw new Error(`strace: ${said}`);
  return async () => {
    // It lets go of the process, which goes on.
    child.kill('SIGTERM');
    await ended;
  };
}
