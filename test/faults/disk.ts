import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { startChild } from './child.ts';
import { type DiskMessage, EVENTS, isSettled } from './disk-child.ts';
import { type Fault, require, runFaults, type Size } from './fault.ts';
import { keptInJournal } from './kept-in-journal.ts';
import { numberOf } from './numbered-events.ts';
import { type FailingCalls, missingStrace, readTrace, strace } from './strace.ts';
import { syncFault } from './sync-fault.ts';

/** Every file operation of a journal failing in turn. */
export const disk: Fault = {
  name: 'disk',
  title: 'every file operation failing in turn, once and for good, with EIO and ENOSPC',
  missing: missingStrace,
  inject: async (injection) => {
    const { folder, say } = injection;
    const crashed = join(folder, 'crashed');
    await crash(crashed);
    const totals: Totals = { runs: 0, hit: 0, refused: 0, told: 0, acknowledged: 0, broken: [] };
    for (const scene of [undefined, crashed]) {
      const clean = join(folder, 'clean');
      await work(clean, scene);
      const counts = countCalls(join(clean, 'trace'));
      const name = scene ? 'a journal as a crash left it' : 'a new journal';
      say(`${name}: ${[...counts].map(([call, count]) => `${call} ${count}`).join(', ')}`);
      rmSync(clean, { recursive: true });
      const due = [...counts].flatMap(([call, count]) => failures(injection.size, call, count));
      await side(due, async (failing, index) => one(join(folder, `${index}`), scene, failing, totals));
    }
    const { broken } = totals;
    require(broken.length === 0, () => `${broken.length} runs\n  ${broken.slice(0, 50).join('\n  ')}`);
    const { runs, hit, refused, told, acknowledged } = totals;
    say(
      `${runs} runs, ${hit} with a failing call: ${refused} refused to start, ${told} said that the journal cannot be written; ${acknowledged.toLocaleString('en')} events acknowledged, all on disk`,
    );
  },
};

interface Totals {
  runs: number;
  /** Runs in which a call was made to fail. */
  hit: number;
  refused: number;
  told: number;
  acknowledged: number;
  /** Targets that were missed. */
  readonly broken: string[];
}

const WRITING = ['openat', 'pwrite64', 'fsync', 'fdatasync', 'ftruncate', 'fallocate', 'mkdir', 'mmap'];
/** Not fcntl: a lock of a local file can be refused, but neither taking it nor letting it go fails with an error. */
const CALLS = [...WRITING, 'pread64', 'unlink', 'fstat', 'stat', 'lstat', 'statx', 'newfstatat'];
/** Milliseconds after which the child gives up: what fails once is to recover, however busy this machine is. */
const PATIENCE = 600_000;
/** The same where calls fail for good, after it was told that the journal cannot be written. */
const HOPELESS = 1_000;
/** Traced only: by it the child says something. */
const WORD = 'write';

/** Which calls fail: all in turn, or every so many of them. */
function failures(size: Size, call: string, count: number): FailingCalls[] {
  const once = { full: 1, short: Math.ceil(count / 3) }[size];
  const forGood = { full: 4, short: Math.ceil(count / 2) }[size];
  const errors = WRITING.includes(call) ? (['EIO', 'ENOSPC'] as const) : (['EIO'] as const);
  return errors.flatMap((error) =>
    [false, true].flatMap((isForGood) => {
      const step = isForGood ? forGood : once;
      const calls = Array.from({ length: Math.ceil(count / step) }, (_, i) => 1 + i * step);
      return calls.map((from) => ({ call, error, from, forGood: isForGood }));
    }),
  );
}

async function one(
  folder: string,
  scene: string | undefined,
  failing: FailingCalls,
  totals: Totals,
): Promise<void> {
  const name = `${failing.call} ${failing.from}${failing.forGood ? '+' : ''} ${failing.error}${scene ? ' after a crash' : ''}`;
  try {
    const messages = await work(folder, scene, failing);
    const trace = readTrace(join(folder, 'trace'));
    const hit = trace.some(({ injected }) => injected);
    const acknowledged = messages.flatMap((message) => ('durable' in message ? [message.durable] : []));
    const isRefused = messages.some((message) => 'refused' in message);
    const isTold = messages.some((message) => 'trouble' in message);
    const all = acknowledged.at(-1) === (scene ? 2 : 1) * EVENTS - 1;
    require(all || isRefused || isTold, () => 'it said nothing');
    require(all || isRefused || failing.forGood, () => 'it did not recover');
    const sync = syncFault(trace, journalIn(folder));
    require(sync === undefined, () => sync ?? '');
    await checkKept(folder, acknowledged.at(-1) ?? (scene ? EVENTS : 0) - 1);
    totals.runs += 1;
    totals.hit += Number(hit);
    totals.refused += Number(isRefused);
    totals.told += Number(isTold);
    totals.acknowledged += (acknowledged.at(-1) ?? -1) + 1;
  } catch (error) {
    totals.broken.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  rmSync(folder, { recursive: true });
}

/** Everything that was acknowledged is there, and what was not settled is given again. */
async function checkKept(folder: string, lastAcknowledged: number): Promise<void> {
  if (lastAcknowledged < 0) return;
  const { stored, given, troubles } = await keptInJournal(journalIn(folder), 'reader');
  require(troubles.length === 0, () => `on opening it again: ${troubles.join()}`);
  const aside = readdirSync(dirname(journalIn(folder))).filter((file) => file.includes('corrupt'));
  require(aside.length === 0, () => 'a file that is not corrupt was set aside');
  const there = new Set(stored.map(numberOf));
  const again = new Set(given.map(numberOf));
  for (let n = 0; n <= lastAcknowledged; n += 1) {
    require(there.has(n), () => `event ${n} was acknowledged and is not on disk`);
    require(isSettled(n) || again.has(n), () => `event ${n} was not settled and is not given again`);
  }
}

/** Runs the child under strace. @returns what it said */
async function work(
  folder: string,
  scene: string | undefined,
  failing?: FailingCalls,
): Promise<DiskMessage[]> {
  const path = journalIn(folder);
  const words = join(folder, 'words');
  mkdirSync(folder);
  if (scene) cpSync(dirname(journalIn(scene)), dirname(path), { recursive: true });
  const paths = [dirname(path), path, `${path}-wal`, `${path}-shm`, `${path}.lock`, words];
  const patience = [PATIENCE, failing?.forGood ? HOPELESS : PATIENCE].map(String);
  const child = startChild('disk-child.ts', [path, String(scene ? EVENTS : 0), 'close', ...patience], {
    output: words,
    under: strace(join(folder, 'trace'), [...CALLS, WORD], paths, failing),
  });
  const { code, signal, stderr, late } = await child.ended;
  require(!late, () => 'it did not end');
  require(code === 0 && stderr === '', () => `it ended with ${code ?? signal}: ${stderr}`);
  return wordsOf(words);
}

/** Leaves a journal behind as a crash does. */
async function crash(folder: string): Promise<void> {
  mkdirSync(folder);
  const output = join(folder, 'words');
  const child = startChild(
    'disk-child.ts',
    [journalIn(folder), '0', 'crash', String(PATIENCE), String(PATIENCE)],
    { output },
  );
  const { signal, stderr } = await child.ended;
  require(signal === 'SIGKILL', () => `the crash did not happen: ${stderr}`);
  require(existsSync(`${journalIn(folder)}-wal`), () => 'the crash left no log behind');
}

function wordsOf(file: string): DiskMessage[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as DiskMessage]));
}

/** How often a thread makes each call at most. */
function countCalls(log: string): Map<string, number> {
  const counts = new Map<string, Map<string, number>>();
  for (const { name, thread } of readTrace(log)) {
    if (name === WORD) continue;
    const threads = counts.get(name) ?? new Map<string, number>();
    threads.set(thread, (threads.get(thread) ?? 0) + 1);
    counts.set(name, threads);
  }
  return new Map([...counts].map(([name, threads]) => [name, Math.max(...threads.values())]));
}

/** As many at a time as there are processors. */
async function side<T>(all: readonly T[], work: (one: T, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (let index = next++; index < all.length; index = next++) {
        const one = all[index];
        if (one !== undefined) await work(one, index);
      }
    }),
  );
}

function journalIn(folder: string): string {
  return join(folder, 'data', 'journal.db');
}

if (import.meta.main) await runFaults([disk]);
