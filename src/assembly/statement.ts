import type { RunEnding, RunStart, StepEnding, StepStart } from '../model/growing-run.ts';
import type { StepCall } from '../model/run.ts';

/** One thing that is stated about a run. An event is made of each. */
export type Statement =
  | { readonly kind: 'run_begins'; readonly start: RunStart }
  | { readonly kind: 'step_begins'; readonly start: StepStart }
  /** Of the step that has begun and not ended under this span, which has returned: somebody waits for its `run` call. */
  | { readonly kind: 'step_called'; readonly spanId: string; readonly call: StepCall }
  /** The step that has begun and not ended under this span. */
  | { readonly kind: 'step_ends'; readonly spanId: string; readonly ending: StepEnding }
  | { readonly kind: 'run_ends'; readonly ending: RunEnding };
