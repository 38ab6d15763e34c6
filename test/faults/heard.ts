import { require } from './fault.ts';
import type { FeedingMessage } from './feeding-tracer.ts';
import { RUN_CALLS } from './numbered-runs.ts';

/** The events of a run in their order, as a {@link FeedingMessage} names them. */
const STEPS = RUN_CALLS.flatMap((call) => (call.endsWith(' trace') ? [call.slice(0, -' trace'.length)] : []));

/** What the tracers of a service hear of numbered runs, from one process to the next. */
export class Heard {
  /** Events that came twice, as they may. */
  again = 0;
  /** How many of its events were heard of each run, of each tracer. */
  readonly #due = new Map<string, number[]>();
  /** Events whose call was under way when the last process ended. */
  #underWay: ReadonlySet<string> = new Set();

  /**
   * Takes everything that a process told.
   * @throws Error where a run was not heard in its order, or an event twice whose call had ended
   */
  add(messages: readonly object[]): void {
    const begun = new Set<string>();
    const ended = new Set<string>();
    for (const message of messages as FeedingMessage[]) {
      if ('calling' in message) begun.add(`${message.by} ${message.calling}`);
      else if ('ended' in message) ended.add(message.ended);
      else if ('heard' in message) {
        const { by, heard } = message;
        this.#hear(message);
        // What it tells after its end nobody has waited for.
        if (!ended.has(by)) begun.delete(`${by} ${heard}`);
      }
    }
    this.#underWay = begun;
  }

  /** @throws Error unless a tracer has heard all of so many runs */
  requireAll(tracer: string, runs: number): void {
    const due = this.#of(tracer);
    for (let run = 0; run < runs; run += 1) {
      const heard = due[run] ?? 0;
      require(heard === STEPS.length, () => `${tracer} never heard ${STEPS[heard]} of run ${run}`);
    }
  }

  #hear({ heard, by, step, run }: Extract<FeedingMessage, { heard: string }>): void {
    const due = this.#of(by);
    const next = due[run] ?? 0;
    if (next > 0 && step === STEPS[next - 1] && this.#underWay.has(`${by} ${heard}`)) {
      this.again += 1;
      return;
    }
    require(step === STEPS[next], () =>
      `${by} heard ${step} of run ${run} when ${STEPS[next] ?? 'nothing'} was due`);
    due[run] = next + 1;
  }

  #of(tracer: string): number[] {
    const due = this.#due.get(tracer) ?? [];
    this.#due.set(tracer, due);
    return due;
  }
}
