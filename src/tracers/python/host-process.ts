import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** The file that hosts a module: beside `src` in a checkout, beside `dist` in an installed package. */
const HOST = fileURLToPath(new URL('../../../integrations/python/vcon_otel_host.py', import.meta.url));

/** Which Python is to host which module. */
export interface PythonModule {
  /** As Python imports it: `tracers.my_tracer`. */
  readonly module: string;
  /** The interpreter: of a virtual environment, for what the module needs. */
  readonly python: string;
  /** Where modules are looked for, before Python's own places. */
  readonly paths: readonly string[];
}

/** What a host says, a line each (integrations/python/vcon_otel_host.py). */
export interface Said {
  readonly id?: number;
  readonly false?: true;
  readonly error?: { readonly type: string; readonly permanent?: true; readonly retry_after?: number };
  readonly failed?: string;
  readonly missing?: string | null;
  readonly trace?: boolean;
  readonly run?: boolean;
  readonly log?: 'error' | 'warn' | 'info';
}

/** Told of a process: each thing that it says, how much it prints, and once that it has ended. */
export interface HostListener {
  said(said: Said): void;
  printed(bytes: number): void;
  ended(reason: string): void;
}

/** Milliseconds that what was said last may take to arrive. */
const LAST_ANSWERS = 200;

/** A process of Python with one module in it. What it forks ends with it. */
export class HostProcess {
  readonly #child: ChildProcess;
  #waiting: string[] = [];

  constructor(
    { module, python, paths }: PythonModule,
    listener: HostListener,
    flags: readonly string[] = [],
  ) {
    const child = spawn(python, [HOST, ...flags, module, ...paths], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
      // A group of its own, so that it can be ended with all that it has started, and hears no Ctrl-C before it has heard all calls.
      detached: true,
    });
    this.#child = child;
    let told = false;
    const ended = (reason: string) => {
      if (told) return;
      told = true;
      this.kill();
      listener.ended(reason);
    };
    child.once('error', (error: NodeJS.ErrnoException) => ended(error.code ?? 'it cannot be started'));
    child.once('exit', (code, signal) => {
      const reason = signal ?? `exit code ${code}`;
      // Its last answers may still be on their way; what it has forked may hold the pipe open for ever.
      child.stdio[4]?.once('close', () => ended(reason));
      setTimeout(ended, LAST_ANSWERS, reason).unref();
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => listener.printed(chunk.length)).on('error', () => undefined);
    this.#input.on('error', () => undefined);
    readLines(child.stdio[4] as Readable, (line) => listener.said(line));
  }

  get #input(): Writable {
    return this.#child.stdio[3] as Writable;
  }

  /** Hands a call over; what comes in one turn of the event loop goes as one. */
  send(call: unknown): void {
    if (this.#waiting.length === 0)
      queueMicrotask(() => {
        const batch = this.#waiting;
        this.#waiting = [];
        if (!this.#input.destroyed) this.#input.write(batch.join(''));
      });
    this.#waiting.push(`${JSON.stringify(call)}\n`);
  }

  /** Says that no more calls come: it ends by itself when it has answered them all. */
  finish(): void {
    queueMicrotask(() => this.#input.end());
  }

  /** Ends it at once, with all that it has started. */
  kill(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
    for (const stream of this.#child.stdio) stream?.destroy();
  }

  /** Whether it keeps this process alive. */
  set isHeld(held: boolean) {
    const streams = this.#child.stdio as unknown as ({ ref?(): void; unref?(): void } | null)[];
    for (const handle of [this.#child, ...streams]) (held ? handle?.ref : handle?.unref)?.call(handle);
  }
}

/** The longest line of a host is an error type; whatever is longer is not one. */
const MAX_LINE = 65_536;

function readLines(stream: Readable, take: (said: Said) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('error', () => undefined);
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(0, MAX_LINE);
    for (const line of lines) {
      let said: unknown;
      try {
        said = JSON.parse(line);
      } catch {
        continue;
      }
      if (typeof said === 'object' && said !== null) take(said as Said);
    }
  });
}
