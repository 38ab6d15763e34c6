/**
 * `npm run bench`: runs the benchmarks one after the other, each in a process of its own.
 * `--short` shows only that they run; `--only NAME` runs one of them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const NAMES = [
  'span-cost',
  'slow-tracer',
  'memory',
  'journal',
  'start',
  'ledger',
  'dispatch',
  'trace-batch',
  'receive',
  'hot-path',
  'python-compat',
  'page',
];
/** A benchmark that takes longer than this hangs. */
const LIMIT_MS = 10 * 60_000;

const { short, names } = readArguments();
let child: ChildProcess | undefined;
let stopped: NodeJS.Signals | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    stopped = signal;
    child?.kill(signal);
  });

console.log(machine());
for (const name of names) {
  const failure = await run(name);
  if (stopped) break;
  if (failure === undefined) continue;
  console.error(`${name} ended with ${failure}`);
  process.exitCode = 1;
  break;
}
// Whoever started this is to see that it did not end by itself.
if (stopped) process.kill(process.pid, stopped);

async function run(name: string): Promise<string | undefined> {
  const file = join(import.meta.dirname, `${name}.ts`);
  child = spawn(process.execPath, ['--expose-gc', file, ...(short ? ['--short'] : [])], {
    stdio: 'inherit',
    timeout: LIMIT_MS,
  });
  const [code, signal] = await once(child, 'exit');
  return code === 0 ? undefined : `${signal ?? `exit code ${code}`}`;
}

function readArguments(): { short: boolean; names: readonly string[] } {
  const options = { short: { type: 'boolean', default: false }, only: { type: 'string' } } as const;
  try {
    const { short, only } = parseArgs({ options }).values;
    if (only === undefined) return { short, names: NAMES };
    if (NAMES.includes(only)) return { short, names: [only] };
  } catch {
    // Whatever is wrong, the line below says what is right.
  }
  console.error(`usage: run.ts [--short] [--only ${NAMES.join('|')}]`);
  process.exit(2);
}

function machine(): string {
  const load = loadavg().map((value) => value.toFixed(2));
  const [cpu] = cpus();
  return `${availableParallelism()} cores (${cpu?.model.trim() ?? 'unknown'}), Node.js ${process.version}, load ${load.join(' ')}`;
}
