import type { RestingRun } from './run-state.ts';
import type { KeptProcess } from './server-processes.ts';
import type { KeptServerRuns } from './server-runs.ts';
import { readFact, type WrittenFact, writtenFact } from './written-fact.ts';
import { writtenRun } from './written-run.ts';

/** A process as it is written down. The lines of its runs follow apart, since they are not read with it. */
export type WrittenProcess = Omit<KeptProcess, 'runs' | 'waiting'> & {
  readonly waiting: readonly WrittenFact[];
  readonly runs: Omit<KeptServerRuns, 'open'> & { readonly open: readonly Omit<RestingRun, 'line'>[] };
};

/** @param lines gets those of its runs, in their order */
export function writtenProcess({ runs, waiting, ...process }: KeptProcess, lines: Buffer[]): WrittenProcess {
  const open = runs.open.map((run) => {
    const { line, ...head } = 'line' in run ? run : writtenRun(run.kept());
    lines.push(line);
    return head;
  });
  return { ...process, waiting: waiting.map(writtenFact), runs: { ...runs, open } };
}

/** The inverse of {@link writtenProcess}. @param lines those of its runs come next */
export function readProcess(
  { runs, waiting, ...process }: WrittenProcess,
  lines: Iterator<Buffer>,
): KeptProcess {
  const open = runs.open.map(
    (head): RestingRun => ({ ...head, line: lines.next().value ?? Buffer.alloc(0) }),
  );
  return { ...process, waiting: waiting.map((fact) => readFact(fact)), runs: { ...runs, open } };
}
