import type { Entered } from './attestation.ts';
import { digestOf, type LinkStatement } from './statement.ts';

/**
 * With what document the next step of each run begins, by its digest: what was hashed where it entered, else what was hashed when it left the
 * step before. Nothing of a run that has ended. Bounded: of the run that was heard of least lately it is not known any more.
 */
export class Entrances {
  readonly #runs = new Map<string, Entered>();

  of(runId: string): Entered | undefined {
    return this.#runs.get(runId);
  }

  /** The document was hashed as it entered a chain, or a step. */
  entered(runId: string, digest: string): void {
    this.#set(runId, { digest, taken: 'entering' });
  }

  /** A step, or the run, has ended as this says: where its document was not hashed then, with what the next one begins is not known. */
  left({ subject, predicate }: LinkStatement): void {
    const { run_id, stage } = predicate.environment;
    const digest = stage === 'link' ? digestOf(subject, 'document') : undefined;
    if (digest === undefined) this.#runs.delete(run_id);
    else this.#set(run_id, { digest, taken: 'after_previous_step' });
  }

  #set(runId: string, entered: Entered): void {
    this.#runs.delete(runId);
    this.#runs.set(runId, entered);
    const [oldest] = this.#runs.size > MAX_RUNS ? this.#runs.keys() : [];
    if (oldest !== undefined) this.#runs.delete(oldest);
  }
}

/** Runs under way. */
const MAX_RUNS = 10_000;
