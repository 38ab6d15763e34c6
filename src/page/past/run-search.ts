import type { Run } from '../../model/run.ts';
import type { RunSearch } from './questions.ts';

/** Whether a run is what somebody looks for. */
export function isWanted(run: Run, { chain, outcome, error, step, vcon, since, until }: RunSearch): boolean {
  const begins = (text: string | undefined, beginning: string) =>
    text?.toLowerCase().startsWith(beginning.toLowerCase()) === true;
  return (
    (chain === undefined || run.chain === chain) &&
    (outcome === undefined || (run.outcome ?? 'running') === outcome) &&
    (error === undefined ||
      begins(run.errorType, error) ||
      run.steps.some(({ errorType }) => begins(errorType, error))) &&
    (step === undefined || run.steps.some(({ name }) => name === step)) &&
    (vcon === undefined || begins(run.inVconUuid, vcon) || begins(run.outVconUuid, vcon)) &&
    (since === undefined || run.start >= since) &&
    (until === undefined || run.start < until)
  );
}
