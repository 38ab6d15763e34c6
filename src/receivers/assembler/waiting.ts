import type { ForwardedRecord } from '../forwarded-record.ts';
import type { ReceivedSpan } from '../received-span.ts';
import { ClosedRuns } from './closed-runs.ts';
import { type Entry, encodeEntry, headOf } from './entry.ts';
import { type LooseSpan, LooseSpans } from './loose-spans.ts';
import type { OpenRun } from './open-run.ts';
import { OpenRuns } from './open-runs.ts';
import { Workers } from './workers.ts';

/** Where what is waiting is kept (the journal's inbox). */
export interface Keeping {
  readonly found: readonly Found[];
  put(body: string, runId?: string): number;
  rename(runId: string, to: string): void;
  remove(id: number): void;
}

/** An entry of a process before this one. */
export interface Found {
  readonly id: number;
  readonly runId: string | undefined;
  readonly body: string;
}

/** Milliseconds for which closed runs are remembered, at least. */
const REMEMBERED = 3_600_000;

/** Everything that the assembler has in hand, in memory and in the inbox. */
export class Waiting {
  readonly open = new OpenRuns();
  readonly closed: ClosedRuns;
  readonly loose = new LooseSpans();
  readonly workers = new Workers();
  /** Spans and records that are waiting. */
  size = 0;
  readonly #inbox: Keeping;

  /** @param timeout milliseconds after which a run is given up */
  constructor(inbox: Keeping, timeout: number) {
    this.#inbox = inbox;
    this.closed = new ClosedRuns(Math.max(REMEMBERED, timeout * 4));
  }

  /** @param runId the run it is about, whose events stay in the log as long as it is kept */
  keep(entry: Entry, runId?: string): number {
    return this.#inbox.put(encodeEntry(entry), runId);
  }

  /** Keeps spans that a run has been found for. */
  keepSpans(run: OpenRun, spans: readonly ReceivedSpan[]): void {
    run.entries.push(this.keep({ kind: 'spans', run: headOf(run), spans }, run.id));
  }

  /** Keeps a record that a run has been found for. */
  keepRecord(run: OpenRun, record: ForwardedRecord): void {
    run.entries.push(this.keep({ kind: 'record', run: headOf(run), record }, run.id));
  }

  /** @param ids entries that are needed no more */
  forget(ids: Iterable<number>): void {
    for (const id of new Set(ids)) this.#inbox.remove(id);
  }

  addLoose(span: ReceivedSpan, entry: number): void {
    this.loose.add({ span, entries: [entry], came: performance.now() });
    this.size += 1;
  }

  /** Gives up a loose span. */
  drop(loose: LooseSpan): void {
    this.loose.remove(loose);
    this.size -= 1;
    this.forget(loose.entries);
  }

  /** A run has absorbed others. @returns that run */
  united({ whole, parts }: { readonly whole: OpenRun; readonly parts: readonly OpenRun[] }): OpenRun {
    for (const part of parts) {
      this.#inbox.rename(part.id, whole.id);
      for (const uuid of part.uuids()) this.open.known(whole, uuid);
      if (this.open.isVague(part)) this.open.known(whole, undefined);
      this.workers.get(part.worker)?.runs.add(whole);
      this.letGo(part);
    }
    if (parts.length > 0) this.open.heard(whole, Math.max(whole.news, ...parts.map(({ news }) => news)));
    return whole;
  }

  /** Whether nobody but us makes spans of a run: no worker of the server ever had one. */
  isBuilt(run: OpenRun): boolean {
    return run.spans === 0 && this.workers.get(run.worker)?.hasSpans === false;
  }

  /** A run is open no more; what is kept of it is not touched. */
  letGo(run: OpenRun): void {
    this.open.remove(run);
    this.workers.get(run.worker)?.runs.delete(run);
  }

  /** A run is over, and told. */
  end(run: OpenRun): void {
    this.letGo(run);
    this.size -= run.spans + run.records.size;
    this.forget(run.entries);
  }

  /** Keeps what has changed of workers. */
  keepWorkers(): void {
    for (const worker of this.workers.changed()) {
      if (worker.entry !== undefined) this.#inbox.remove(worker.entry);
      worker.entry = this.keep({ kind: 'worker', worker: this.workers.body(worker) });
      worker.isChanged = false;
    }
    this.forget(this.workers.takeForgotten());
  }
}
