import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../model/clock.ts';
import { VconOtelError } from '../model/error.ts';
import type { EventSink } from '../model/event-sink.ts';
import { isServerFact, type ReportedFact } from '../model/fact.ts';
import type { RecordReceipt } from '../model/fact-sink.ts';
import type { ServerFact } from '../model/server-fact.ts';
import type { Assembler } from './assembler.ts';
import { claimedTime } from './claimed-times.ts';
import type { Decided } from './input.ts';
import type { OpenRun } from './open-run.ts';
import type { RecordOutcome } from './outcome.ts';

export interface ReceiptsSettings {
  readonly assembler: Assembler;
  readonly events: EventSink;
  readonly clock: Clock;
  /** Whether there is no memory for more. */
  tight?(): boolean;
  /** Has something decided. */
  decide(decided: Decided): void;
}

/** Milliseconds between two looks whether there is memory. */
const PAUSE = 50;

/** What those who sent records are told, as far as they ask. */
export class Receipts {
  readonly #settings: ReceiptsSettings;
  /** Resolves when all who asked so far were heard. */
  #asking: Promise<void> | undefined;

  constructor(settings: ReceiptsSettings) {
    this.#settings = settings;
  }

  /** @param taken undefined where it could not be taken */
  of(record: ReportedFact, taken: RecordOutcome | undefined): RecordReceipt {
    const outcome = taken?.outcome ?? 'accepted';
    if (isServerFact(record)) return { outcome, delivered: () => this.#called(record) };
    return { outcome, delivered: () => this.#delivered(taken?.run) };
  }

  async #delivered(heard: OpenRun | undefined): Promise<void> {
    const { assembler, events, decide } = this.#settings;
    let run = heard;
    await this.#oneByOne(() => {
      while (run?.partOf) run = run.partOf;
      if (run && assembler.open.has(run) && assembler.hasMoreIfAsked(run))
        decide({ kind: 'asked', run: run.id });
    });
    // Whoever must not go on unheard gets no good news, though all may be well.
    if (!run?.emitted) throw new VconOtelError('TRACER_FAILED', 'the run of the record is over');
    await events.delivered(run.id, true);
  }

  /** What one record stands for may be 2,000 events, and many may be asked for at once: one after the other, as there is room. */
  async #oneByOne(ask: () => void): Promise<void> {
    const { events, clock, tight } = this.#settings;
    const before = this.#asking;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#asking = promise;
    if (before) {
      await before;
      // Who watches the memory has a turn in between.
      await nextTurn();
    }
    while (tight?.()) await new Promise<void>((again) => clock.after(PAUSE, again));
    while (events.full) await events.room();
    ask();
    if (this.#asking === promise) this.#asking = undefined;
    resolve();
  }

  async #called(fact: ServerFact): Promise<void> {
    const { assembler, events, decide } = this.#settings;
    const { processes } = assembler;
    // What is missing before it is not waited for by somebody who waits.
    for (let of = processes.waitingWith(fact); of !== undefined; of = processes.waitingWith(fact))
      decide({ kind: 'missed', process: of });
    const worker = processes.workerOf(fact);
    if (worker !== undefined) return this.#delivered(this.#runOfCall(fact, worker));
    const open = processes.runOf(fact);
    if (open && fact.kind === 'tracer' && open.isUncalled(fact.index)) decide({ kind: 'called', fact });
    const runId = open?.run?.runId;
    if (runId === undefined) throw new VconOtelError('TRACER_FAILED', 'the run of the record is over');
    await events.delivered(runId, true);
  }

  /** The run of a call where such calls are all that is heard of runs. */
  #runOfCall(fact: ServerFact, worker: string): OpenRun | undefined {
    if (fact.kind !== 'tracer') return undefined;
    for (const run of this.#settings.assembler.workers.get(worker)?.runs ?? []) {
      const record = run.facts.records.get(fact.index);
      if (record && claimedTime(record) === claimedTime(fact)) return run;
    }
    return undefined;
  }
}
