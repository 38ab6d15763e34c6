import { type ChainedRecord, parseLine } from '../log/record.ts';
import { recordLines, type Segment } from '../log/segments.ts';

/** Whether everything that began has ended, which the hash chain does not show. */
export interface Completeness {
  /** Runs without an end of their chain. At the end of a ledger some are simply still under way. */
  readonly openRuns: number;
  /** Links and storages without an end, although their chain has one. */
  readonly unfinishedSteps: number;
  /** Ends without a start that are not repeats. */
  readonly endsWithoutStart: number;
  /** Records that were delivered twice. */
  readonly repeats: number;
  /** The first few incomplete ones. */
  readonly examples: readonly Gap[];
}

/** Something that is missing. */
export interface Gap {
  readonly kind: 'open_run' | 'unfinished_step' | 'end_without_start';
  /** The sequence number and the id of the record that shows it. */
  readonly seq: number;
  readonly recordId: string;
}

interface UnfinishedRun {
  readonly seq: number;
  readonly recordId: string;
  readonly steps: Map<string, { readonly seq: number; readonly recordId: string }>;
}

/**
 * Follows runs through the records of a ledger. Memory is bounded: beyond 100,000 open runs, the oldest are counted
 * and no longer followed.
 */
export class CompletenessCheck {
  readonly #open = new Map<string, UnfinishedRun>();
  readonly #orphans = new Map<string, number>();
  readonly #examples: Gap[] = [];
  #abandoned = 0;
  #unfinished = 0;
  #orphanCount = 0;
  #repeats = 0;

  add(record: ChainedRecord): void {
    if (!('run_id' in record)) return;
    const { run_id, record_id, event, seq } = record;
    const phase = event.slice(event.indexOf('_') + 1);
    const subject = record_id.slice(0, -phase.length);
    const isChain = event.startsWith('chain');
    const run = this.#open.get(run_id);
    if (phase === 'start') {
      if (isChain) this.#start(run_id, { seq, recordId: record_id, steps: new Map() });
      else if (run && !run.steps.has(subject)) run.steps.set(subject, { seq, recordId: record_id });
      else if (run) this.#repeats += 1;
      else this.#orphan(record_id, seq);
    } else if (!run) this.#orphan(record_id, seq);
    else if (isChain) this.#end(run_id, run, phase === 'lost');
    else if (!run.steps.delete(subject)) this.#orphan(record_id, seq);
  }

  /** Records whose start was not seen, with their sequence numbers: repeats, if the same id occurs earlier. */
  get suspects(): ReadonlyMap<string, number> {
    return this.#orphans;
  }

  /**
   * The result.
   * @param repeated the {@link suspects} that are repeats
   * @param cut whether older records are no longer kept, so that a start may have been among them
   */
  result(repeated: ReadonlySet<string>, cut: boolean): Completeness {
    const missing = cut ? [] : [...this.#orphans].filter(([id]) => !repeated.has(id));
    const open = [...this.#open.values()].slice(0, EXAMPLES);
    return {
      openRuns: this.#open.size + this.#abandoned,
      unfinishedSteps: this.#unfinished,
      endsWithoutStart: cut ? 0 : this.#orphanCount - repeated.size,
      repeats: this.#repeats + repeated.size,
      examples: [
        ...this.#examples,
        ...missing
          .slice(0, EXAMPLES)
          .map(([recordId, seq]) => ({ kind: 'end_without_start' as const, seq, recordId })),
        ...open.map(({ seq, recordId }) => ({ kind: 'open_run' as const, seq, recordId })),
      ],
    };
  }

  #start(runId: string, run: UnfinishedRun): void {
    if (this.#open.has(runId)) this.#repeats += 1;
    else this.#open.set(runId, run);
    if (this.#open.size <= MAX_OPEN) return;
    for (const oldest of this.#open.keys()) {
      this.#open.delete(oldest);
      this.#abandoned += 1;
      return;
    }
  }

  /** @param isLost nobody knows how it ended, and so how the steps did that were open: nothing is missing here */
  #end(runId: string, { steps }: UnfinishedRun, isLost: boolean): void {
    this.#open.delete(runId);
    if (isLost) return;
    this.#unfinished += steps.size;
    for (const { seq, recordId } of steps.values())
      if (this.#examples.length < EXAMPLES) this.#examples.push({ kind: 'unfinished_step', seq, recordId });
  }

  #orphan(recordId: string, seq: number): void {
    if (this.#orphans.has(recordId)) {
      this.#repeats += 1;
      return;
    }
    this.#orphanCount += 1;
    if (this.#orphans.size < MAX_ORPHANS) this.#orphans.set(recordId, seq);
  }
}

const MAX_OPEN = 100_000;
const MAX_ORPHANS = 100_000;
const EXAMPLES = 10;

/**
 * Which {@link CompletenessCheck.suspects} are repeats: their records stand in the ledger already. Reads it again, up to the
 * first line that is no record.
 */
export function repeatedIds(
  directory: string,
  segments: readonly Segment[],
  suspects: CompletenessCheck['suspects'],
): Set<string> {
  const repeated = new Set<string>();
  if (suspects.size === 0) return repeated;
  for (const segment of segments)
    for (const { text } of recordLines(directory, segment)) {
      const parsed = parseLine(text.toString());
      if (!('record' in parsed)) return repeated;
      const seq = suspects.get(parsed.record.record_id);
      if (seq !== undefined && parsed.record.seq < seq) repeated.add(parsed.record.record_id);
    }
  return repeated;
}
