import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import workers, { type WorkerOptions } from 'node:worker_threads';

// Loaded before everything else (`--import`): what reads the clock of this process reads one that somebody sets, by so
// many milliseconds in a file (the `file` of this module's address). A step leaves `performance.now()` and timers alone,
// as it does on a real machine. Threads have the same clock, also those that are started without any flags.

const file = new URL(import.meta.url).searchParams.get('file') ?? '';
const now = Date.now;

globalThis.Date = class extends Date {
  constructor(...fields: ConstructorParameters<typeof Date> | []) {
    if (fields.length === 0) super(shifted());
    else super(...fields);
  }

  static override now = shifted;
} as DateConstructor;

function shifted(): number {
  return now() + Number(readFileSync(file, 'utf8'));
}

class Worker extends workers.Worker {
  constructor(script: string | URL, options: WorkerOptions = {}) {
    super(script, { ...options, execArgv: [...(options.execArgv ?? []), `--import=${import.meta.url}`] });
  }
}

Object.assign(workers, { Worker });
syncBuiltinESMExports();
