import { readFileSync } from 'node:fs';
import type { HeardCall } from './call-file-tracer.ts';
import { require } from './fault.ts';

/** What a tracer heard over several processes, each call once. */
export interface HeardRuns {
  /** The calls of each run in short, in order. */
  readonly runs: readonly (readonly string[])[];
  readonly events: number;
  /** Calls that were made again because the process was killed before it was settled. */
  readonly again: number;
}

/**
 * Reads what a tracer wrote down.
 * @param processes in their order
 * @param killed those of them that were
 * @throws Error where a call was made twice that a kill does not excuse, or with other arguments
 */
export function heardRuns(
  file: string,
  processes: readonly number[],
  killed: ReadonlySet<number>,
): HeardRuns {
  const calls = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as HeardCall);
  const last = new Map<
    string,
    { readonly short: string; readonly process: number; readonly place: number }
  >();
  const runs = new Map<string, string[]>();
  /** Of each run, how far each process came. */
  const cameTo = new Map<string, Map<number, number>>();
  let again = 0;
  for (const { pid, call, eventId, runId, short } of calls) {
    const process = processes.indexOf(pid);
    const known = last.get(`${eventId} ${call}`);
    const run = runs.get(runId) ?? [];
    const place = known?.place ?? run.length;
    last.set(`${eventId} ${call}`, { short, process, place });
    const hearers = cameTo.get(runId) ?? new Map<number, number>();
    cameTo.set(runId, hearers.set(process, Math.max(place, hearers.get(process) ?? 0)));
    if (!known) {
      run.push(short);
      runs.set(runId, run);
      continue;
    }
    require(known.short === short, () => `${eventId} was told as "${known.short}" and as "${short}"`);
    // Who was killed may have kept no word of what it told; nor has the next one, if it was killed before it came to that.
    const earlier = [...hearers].filter(([hearer]) => hearer >= known.process && hearer < process);
    const isExcused = earlier.every(
      ([hearer, to]) => killed.has(processes[hearer] ?? 0) && (hearer === known.process || to < known.place),
    );
    require(known.process < process && isExcused, () =>
      [
        `${eventId} was told twice, by processes ${known.process + 1} and ${process + 1} of ${processes.length}:`,
        ...calls
          .filter((other) => other.runId === runId)
          .map((other) => `  ${processes.indexOf(other.pid) + 1} ${other.short}`),
      ].join('\n'));
    again += 1;
  }
  return { runs: [...runs.values()], events: new Set(calls.map(({ eventId }) => eventId)).size, again };
}

/** @throws Error unless the runs are those that were, in any order */
export function requireRuns(heard: HeardRuns['runs'], truth: HeardRuns['runs']): void {
  const missing = truth.map((run) => JSON.stringify(run));
  const more: string[] = [];
  for (const run of heard) {
    const text = JSON.stringify(run);
    const found = missing.indexOf(text);
    if (found === -1) more.push(text);
    else missing.splice(found, 1);
  }
  require(missing.length + more.length === 0, () =>
    [
      `${missing.length} of ${truth.length} runs were not told as they were`,
      ...missing.map((run) => `  was:  ${run}`),
      ...more.map((run) => `  told: ${run}`),
    ].join('\n'));
}
