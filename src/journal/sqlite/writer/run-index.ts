import type { Pages } from './pages.ts';
import type { Statements } from './statements.ts';

/** Runs in memory: those that are under way, with room to spare, and those that are over, of which seldom something is told again. */
const KEPT = 20_000;
const KEPT_OVER = 1_000;
/** Events that are looked through at the start for those that may be told again. */
const TOLD_AGAIN = 500_000;
/** Rows that are looked at to remove runs, and how often it is begun anew. */
const LOOKED_AT = 2_000;
const TURNS = 500;
/** Events after which a run that is still under way is not waited for. */
const LONG = 50_000;

/** A run in memory: the seqs of its events by their steps. */
interface KnownRun {
  readonly row: number;
  readonly first: number;
  readonly seqs: Map<string, number>;
  last: number;
  /** The file has its last seq, which has to be kept up to date. */
  isOver: boolean;
}

/**
 * Which runs the log has, in the file: between which seqs their events are. In memory: which events of those that were heard of
 * lately, so that a repeat is recognised. `last` in the file is null while a run is under way.
 */
export class RunIndex {
  readonly #sql: Statements;
  readonly #pages: Pages;
  /** No event up to this is told again after a restart. */
  readonly #toldOnce: number;
  readonly #runs = new Map<string, KnownRun>();
  /** Those of them that are over, as they ended. */
  readonly #over = new Set<string>();
  readonly #changed = new Set<KnownRun>();
  /** The end of the log when it was opened: runs that are under way in the file end before it, unless they are known. */
  readonly #end: number;
  #isLoaded = false;
  /** The seq up to which pages were removed, but for what is pinned; the number of the last run that was looked at. */
  #removed = 0;
  #tidied = 0;
  #turn = 0;

  constructor(sql: Statements, pages: Pages, { toldOnce, end }: { toldOnce: number; end: number }) {
    this.#sql = sql;
    this.#pages = pages;
    this.#toldOnce = toldOnce;
    this.#end = end;
  }

  /**
   * Notes an event.
   * @param seq what it gets if it is new
   * @returns the seq that it has
   */
  note(runId: string, step: string, seq: number): number {
    const run = this.#runs.get(runId) ?? this.#open(runId, seq);
    const known = run.seqs.get(step);
    if (known !== undefined) return known;
    run.seqs.set(step, seq);
    run.last = seq;
    if (step.startsWith('chain/') && step !== 'chain/start') run.isOver = true;
    if (!run.isOver) return seq;
    this.#changed.add(run);
    this.#over.add(runId);
    const [oldest] = this.#over.size > KEPT_OVER ? this.#over : [];
    if (oldest !== undefined) this.#forget(oldest);
    return seq;
  }

  /** Writes what has changed. */
  save(): void {
    for (const run of this.#changed) this.#save(run);
    this.#changed.clear();
  }

  /** A page was removed. @param last the seq of its last event */
  removed(last: number): void {
    this.#removed = Math.max(this.#removed, last);
  }

  /** Removes runs of whose events none is left, as far as pages were removed. */
  tidy(): void {
    // What had to be passed over is looked at again now and then.
    if (this.#turn++ % TURNS === 0) this.#tidied = 0;
    const known = new Map([...this.#runs].map(([runId, { row }]) => [row, runId]));
    const rows = this.#sql
      .prepare(
        `select run, first, last from run where run > ? and first <= ? order by run limit ${LOOKED_AT}`,
      )
      .all(this.#tidied, this.#removed);
    for (const row of rows) {
      const [run, first] = [Number(row.run), Number(row.first)];
      const runId = known.get(run);
      const inMemory = runId === undefined ? undefined : this.#runs.get(runId)?.last;
      const last = inMemory ?? (row.last === null ? this.#end : Number(row.last));
      if (this.#pages.ranges(first - 1, last).length === 0) {
        this.#sql.run('delete from run where run = ?', run);
        if (runId !== undefined) this.#letGo(runId);
      } else if (last > this.#removed && first > this.#removed - LONG) return;
      this.#tidied = run;
    }
  }

  #open(runId: string, seq: number): KnownRun {
    const inserted = this.#sql
      .prepare('insert into run (run_id, first) values (?, ?) on conflict do nothing returning run')
      .get(runId, seq);
    if (inserted) return this.#keep(runId, newRun(Number(inserted.run), seq));
    if (!this.#isLoaded) {
      this.#isLoaded = true;
      this.#loadToldAgain();
      const run = this.#runs.get(runId);
      if (run) return run;
    }
    return this.#load(runId);
  }

  /** What a restart tells again is known at once, not run by run. */
  #loadToldAgain(): void {
    const after = Math.max(Math.min(this.#toldOnce, this.#end), this.#end - TOLD_AGAIN);
    const rows = this.#sql
      .prepare(
        'select run, run_id, first, last from run where first > ? and first <= ? and coalesce(last, 0) <= ?',
      )
      .all(after, this.#end, this.#end);
    const loaded = new Set<KnownRun>();
    for (const { run, run_id, first, last } of rows) {
      if (this.#runs.has(String(run_id))) continue;
      const found = newRun(Number(run), Number(first));
      found.isOver = last !== null;
      this.#runs.set(String(run_id), found);
      loaded.add(found);
    }
    this.#read(after, this.#end, (runId) => {
      const run = this.#runs.get(runId);
      return run && loaded.has(run) ? run : undefined;
    });
  }

  #load(runId: string): KnownRun {
    const row = this.#sql.prepare('select run, first, last from run where run_id = ?').get(runId);
    const run = newRun(Number(row?.run), Number(row?.first));
    run.isOver = row?.last !== null;
    const end = row?.last == null ? Number.MAX_SAFE_INTEGER : Number(row.last);
    this.#read(run.first - 1, end, (found) => (found === runId ? run : undefined), runId);
    return this.#keep(runId, run);
  }

  #read(after: number, upTo: number, of: (runId: string) => KnownRun | undefined, only?: string): void {
    for (const { first, page } of this.#pages.between(after, upTo)) {
      if (only !== undefined && !page.says(only)) continue;
      for (let i = 0; i < page.count; i += 1) {
        const run = of(page.runId(i));
        if (!run) continue;
        run.seqs.set(page.step(i), first + i);
        run.last = Math.max(run.last, first + i);
      }
    }
  }

  #keep(runId: string, run: KnownRun): KnownRun {
    this.#runs.set(runId, run);
    // One more than comes: those that a restart tells again may be many.
    for (let more = 2; more > 0 && this.#runs.size > KEPT; more -= 1) {
      const [oldest] = this.#runs.keys();
      if (oldest !== undefined) this.#forget(oldest);
    }
    return run;
  }

  /** Writes what the file does not have of a run, and lets go of it. */
  #forget(runId: string): void {
    const run = this.#runs.get(runId);
    // It may have ended unheard of.
    if (run && (!run.isOver || this.#changed.delete(run))) this.#save(run);
    this.#letGo(runId);
  }

  #letGo(runId: string): void {
    this.#runs.delete(runId);
    this.#over.delete(runId);
  }

  #save({ row, last }: KnownRun): void {
    this.#sql.run('update run set last = ? where run = ?', last, row);
  }
}

function newRun(row: number, first: number): KnownRun {
  return { row, first, seqs: new Map(), last: first, isOver: false };
}
