import type { Run } from '../../model/run.ts';
import { type RunView, runView } from '../run-view.ts';
import type { LiveRuns, RunListener } from './live-runs.ts';
import { progressOf } from './run-row.ts';

/** Uuids that one vCon may go on under. */
const MAX_UUIDS = 100;

/** What becomes of a vCon: each change of its runs, from chain to chain, also where a link gave it another uuid. */
export class VconWatch implements RunListener {
  readonly #runs: LiveRuns;
  readonly #uuids = new Set<string>();
  /** Its runs of which something is still to be told. */
  readonly #followed = new Map<string, { readonly run: Run; told: number; isGone: boolean }>();
  /** Those of which nothing is. */
  readonly #over = new Set<string>();

  /** Begins with what is under way, and with what has just ended. */
  constructor(runs: LiveRuns, uuid: string) {
    this.#runs = runs;
    runs.listeners.add(this);
    this.#add(uuid);
  }

  heard(run: Run, isGone: boolean): void {
    const { inVconUuid, outVconUuid, runId } = run;
    const isIts = [inVconUuid, outVconUuid].some((uuid) => uuid !== undefined && this.#uuids.has(uuid));
    const known = this.#followed.get(runId);
    if (known) known.isGone = isGone;
    else if (isIts && !this.#over.has(runId)) this.#followed.set(runId, { run, told: -1, isGone });
  }

  /** Its runs of which something has become known since it was asked last, as they are now. */
  changes(): RunView[] {
    const changed: RunView[] = [];
    // What is added meanwhile is looked at as well.
    for (const [id, entry] of this.#followed) {
      const { run, told, isGone } = entry;
      const isOver = run.duration !== undefined || run.phase === 'lost' || isGone;
      const progress = progressOf(run) + (isOver ? 1 : 0);
      if (isOver) {
        this.#followed.delete(id);
        this.#over.add(id);
      }
      if (run.outVconUuid !== undefined) this.#add(run.outVconUuid);
      if (progress === told) continue;
      entry.told = progress;
      changed.push(isGone ? { ...runView(run), lost: true } : runView(run));
    }
    return changed;
  }

  end(): void {
    this.#runs.listeners.delete(this);
    this.#followed.clear();
  }

  #add(uuid: string): void {
    if (this.#uuids.has(uuid) || this.#uuids.size >= MAX_UUIDS) return;
    this.#uuids.add(uuid);
    for (const run of this.#runs.ofVcon(uuid).reverse()) this.heard(run, false);
  }
}
