import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CHAIN } from './conserver-load.ts';
import type { Heard } from './counting-tracer.ts';
import { ownFolder } from './disk.ts';
import { installed } from './installed.ts';

/** A process that is fed, and measured. */
export interface Served<Answer> {
  /** Where spans are posted to. */
  readonly url: string;
  /** Microseconds of processor time so far, by the kind of thread; empty where the system does not tell. */
  threads(): ReadonlyMap<string, number>;
  ask(): Promise<Answer>;
  /** Ends it. @throws Error where it had something to say on stderr */
  stop(): Promise<void>;
}

/** `vcon-otel serve` as it is installed, with three tracers. */
export interface Service extends Served<Heard> {
  /** What it says of itself, see `serve`. */
  readyz(): Promise<Readyz>;
}

/** The part of it that is looked at. */
export interface Readyz {
  readonly tracers: Readonly<Record<string, { ok: number; pending: number; dropped: number; dead: number }>>;
  readonly issues: object;
  readonly receivers: { readonly issues: object; readonly open_runs: number };
}

export interface ServiceSettings {
  /** How it is to be started, see `shareCores`. */
  readonly on: readonly string[];
  readonly redisUrl?: string | undefined;
  /** Milliseconds after the last news of a run until it is over. */
  readonly settle: number;
  /** For Node.js. */
  readonly flags?: readonly string[];
}

export const STREAM = 'vcon-otel:events';

const folders = ownFolder();

export async function startService({ on, redisUrl, settle, flags = [] }: ServiceSettings): Promise<Service> {
  const { bin, tracer } = installed();
  // It looks at the thread that it is in, and answers messages of the process.
  const counting = { module: tracer, isolation: 'none' };
  const folder = mkdtempSync(join(folders, 'service-'));
  const file = join(folder, 'config.yml');
  const config = {
    // A line for each call is written on `info`.
    log_level: 'warn',
    tracers: { t0: counting, t1: counting, t2: counting },
    chains: { [CHAIN.name]: { links: CHAIN.links, storages: CHAIN.storages } },
    receivers: {
      http: { port: 0 },
      ...(redisUrl && { redis_stream: { url: redisUrl, stream: STREAM } }),
      assembler: { settle: `${settle}ms` },
    },
    vcon_store: { type: 'memory' },
    journal: { type: 'sqlite', path: join(folder, 'journal.db') },
    health: { port: 0 },
  };
  writeFileSync(file, JSON.stringify(config));
  const { found, ...served } = await start<Heard>(
    [...on, process.execPath, ...flags, bin, 'serve', file],
    [/(http\S+)\/v1\/traces/, /(http\S+)\/healthz/],
  );
  const [url = '', health = ''] = found;
  const readyz = async () => (await (await fetch(`${health}/readyz`)).json()) as Readyz;
  const stop = async () => {
    await served.stop();
    rmSync(folder, { recursive: true });
  };
  return { ...served, url, readyz, stop };
}

/** See unpacker.ts. */
export async function startUnpacker(on: readonly string[]): Promise<Served<Pick<Heard, 'cpu'>>> {
  const file = join(import.meta.dirname, 'unpacker.ts');
  const { found, ...served } = await start<Pick<Heard, 'cpu'>>(
    [...on, process.execPath, file],
    [/(http\S+)\/v1\/traces/],
  );
  return { ...served, url: found[0] ?? '' };
}

/** Starts a process of ours, and waits until it has written what is looked for. */
async function start<Answer>(command: readonly string[], looked: readonly RegExp[]) {
  const { child, complaint, threads, stop } = startProgram(command);
  const found = await readUntil(child, looked);
  if (found.length < looked.length) throw new Error(`${command.join(' ')} did not start: ${complaint()}`);
  return {
    found,
    threads,
    ask: async (): Promise<Answer> => {
      child.send('how are you');
      const [told] = await once(child, 'message');
      return told as Answer;
    },
    stop,
  };
}

/** Starts a process that never outlives this one. */
export function startProgram(command: readonly string[]) {
  const [name = '', ...args] = command;
  const child = spawn(name, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: environment() });
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const gone = once(child, 'exit');
  let complaint = '';
  child.stderr?.on('data', (text) => {
    complaint += text;
  });
  return {
    child,
    complaint: () => complaint,
    threads: () => threadsOf(child.pid),
    stop: async () => {
      child.kill('SIGTERM');
      await gone;
      process.off('exit', kill);
      if (complaint !== '') throw new Error(`${command.join(' ')} complained: ${complaint}`);
    },
  };
}

/** Microseconds of a clock tick, see proc_pid_stat(5). */
const TICK = 10_000;

function threadsOf(pid: number | undefined): ReadonlyMap<string, number> {
  const spent = new Map<string, number>();
  if (process.platform !== 'linux') return spent;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [, name = '', fields = ''] =
      /\((.*)\) (.*)/.exec(readStat(`/proc/${pid}/task/${thread}/stat`)) ?? [];
    const [user, system] = fields.split(' ').slice(11, 13).map(Number);
    spent.set(name, (spent.get(name) ?? 0) + ((user ?? 0) + (system ?? 0)) * TICK);
  }
  return spent;
}

/** A thread may have ended meanwhile. */
function readStat(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

async function readUntil(child: ChildProcess, looked: readonly RegExp[]): Promise<string[]> {
  const found: string[] = [];
  if (!child.stdout) return found;
  for await (const line of createInterface({ input: child.stdout })) {
    const value = looked[found.length]?.exec(line)?.[1];
    if (value !== undefined) found.push(value);
    if (found.length === looked.length) break;
  }
  child.stdout.resume();
  return found;
}

/** Nothing of OpenTelemetry's, which would have the service do more. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OTEL_')));
}
