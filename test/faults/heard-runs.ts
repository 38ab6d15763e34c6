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
  const last = new Map<string, { readonly short: string; readonly process: number }>();
  const runs = new Map<string, string[]>();
  const hearers = new Hearers();
  let again = 0;
  for (const { pid, call, eventId, runId, short } of calls) {
    const process = processes.indexOf(pid);
    const known = last.get(`${eventId} ${call}`);
    last.set(`${eventId} ${call}`, { short, process });
    const previous = hearers.heard(runId, process);
    // An event is a call of `trace` and one of `run`: a kill between the two repeats both.
    const previousOfEvent = hearers.heard(eventId, process);
    if (!known) {
      const run = runs.get(runId) ?? [];
      run.push(short);
      runs.set(runId, run);
      continue;
    }
    require(known.short === short, () => `${eventId} was told as "${known.short}" and as "${short}"`);
    const isKilled = previous < process && killed.has(processes[previous] ?? 0);
    require(known.process < process && previousOfEvent === previous && isKilled, () =>
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

/** Of anything that is heard, the last two processes that heard of it. */
class Hearers {
  readonly #of = new Map<string, readonly [latest: number, before: number]>();

  /** @returns the last process before this one, or this one where there was none */
  heard(what: string, process: number): number {
    const [latest, before] = this.#of.get(what) ?? [process, process];
    const previous = latest === process ? before : latest;
    this.#of.set(what, [process, previous]);
    return previous;
  }
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
