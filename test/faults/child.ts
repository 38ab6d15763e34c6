import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote to stderr. */
  readonly stderr: string;
  /** It was killed because it took too long. */
  readonly late: boolean;
}

/** A process of ours. */
export interface Child<Message> {
  readonly pid: number;
  /** The lines that it has written so far, each a JSON text. */
  readonly messages: readonly Message[];
  /** The first message that is as wanted. @throws Error if it ends before */
  until<M extends Message>(wanted: (message: Message) => message is M): Promise<M>;
  until(wanted: (message: Message) => boolean): Promise<Message>;
  /** As {@link until}, of what it says from now on. */
  next<M extends Message>(wanted: (message: Message) => message is M): Promise<M>;
  next(wanted: (message: Message) => boolean): Promise<Message>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it has ended and everything that it wrote has been read. */
  readonly ended: Promise<Ending>;
}

/** How a child is started. */
export interface ChildSettings<Message = unknown> {
  /** What runs it, with arguments, e.g. `strace`. */
  readonly under?: readonly string[];
  /** Arguments of Node.js. */
  readonly node?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A file that is its descriptor 3. */
  readonly output?: string;
  /** Milliseconds after which it is killed. Default 3,600,000: for what hangs. */
  readonly timeout?: number;
  /** What a line means that is no JSON text. Default: nothing. */
  readonly read?: (line: string) => Message | undefined;
}

/** What would be left running. */
const running = new Set<() => void>();
process.once('exit', endChildren);

/** Kills every child that has not ended. */
export function endChildren(): void {
  for (const kill of running) kill();
}

/** Starts a script of this folder. It is killed when this process ends. */
export function startChild<Message = unknown>(
  script: string,
  args: readonly string[],
  { under = [], node = [], env = {}, output, timeout = 3_600_000, read }: ChildSettings<Message> = {},
): Child<Message> {
  const [command = '', ...rest] = [
    ...under,
    process.execPath,
    '--conditions=vcon-otel-source',
    ...node,
    join(import.meta.dirname, script),
    ...args,
  ];
  const file = output === undefined ? undefined : openSync(output, 'a');
  // A group of its own: what runs it must not outlive it, nor it what runs it.
  const child = spawn(command, rest, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', file ?? 'ignore'],
    env: { ...process.env, ...env },
  });
  if (file !== undefined) closeSync(file);
  const { pid, stdout, stderr: errors } = child;
  if (pid === undefined || !stdout || !errors) throw new Error(`${command} cannot be started`);
  const kill = (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, signal);
  };
  const killNow = () => kill('SIGKILL');
  running.add(killNow);
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    killNow();
  }, timeout);
  let stderr = '';
  errors.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4_000);
  });
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: stdout }).on('line', (line) => {
    // A line that was cut off by a kill was not said.
    const message = line.endsWith('}') ? (JSON.parse(line) as Message) : read?.(line);
    if (message !== undefined) messages.push(message);
    for (const lookOn of waiting) lookOn();
  });
  const ended = new Promise<Ending>((resolve) =>
    child.once('close', (code, signal) => {
      clearTimeout(limit);
      running.delete(killNow);
      resolve({ code, signal, stderr, late });
    }),
  );
  const look = (wanted: (message: Message) => boolean, from: number) => {
    let looked = from;
    return new Promise<Message>((resolve, reject) => {
      const lookOn = () => {
        while (looked < messages.length) {
          const message = messages[looked++] as Message;
          if (!wanted(message)) continue;
          waiting.delete(lookOn);
          resolve(message);
          return;
        }
      };
      waiting.add(lookOn);
      lookOn();
      void ended.then(({ code, signal, stderr: last }) =>
        reject(new Error(`${script} ended (${code ?? signal}) before it said what was awaited: ${last}`)),
      );
    });
  };
  const until = (wanted: (message: Message) => boolean) => look(wanted, 0);
  const next = (wanted: (message: Message) => boolean) => look(wanted, messages.length);
  return {
    pid,
    messages,
    until: until as Child<Message>['until'],
    next: next as Child<Message>['next'],
    kill,
    ended,
  };
}
