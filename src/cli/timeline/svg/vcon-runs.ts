import type { TimelineRun } from '../timeline-run.ts';

/** Runs that queued one another or were of one vCon, in order of start. One at least. */
export type VconRuns = readonly [TimelineRun, ...TimelineRun[]];

/** Groups runs: one vCon's way through chains is one group, whatever its uuids. In order of start. */
export function groupByVcon(runs: readonly TimelineRun[]): VconRuns[] {
  const ordered = runs.toSorted((a, b) => a.start - b.start);
  const sets = new DisjointSets();
  for (const run of ordered) {
    for (const queuer of run.linkedFrom) sets.join(runKey(run), runKey(queuer));
    for (const uuid of [run.vconUuid, run.outVconUuid])
      if (uuid !== undefined) sets.join(runKey(run), `vCon ${uuid}`);
  }
  const groups = Map.groupBy(ordered, (run) => sets.find(runKey(run)));
  return [...groups.values()].flatMap(([first, ...rest]) => (first ? [[first, ...rest] as const] : []));
}

function runKey({ runId }: { readonly runId: string }): string {
  return `run ${runId}`;
}

class DisjointSets {
  readonly #parents = new Map<string, string>();

  /** The representative of the set that a key is in. */
  find(key: string): string {
    let found = key;
    for (let next = this.#parents.get(found); next !== undefined; next = this.#parents.get(found)) {
      // Halves the path for the next lookup.
      const further = this.#parents.get(next);
      if (further !== undefined) this.#parents.set(found, further);
      found = next;
    }
    return found;
  }

  join(one: string, other: string): void {
    const [from, to] = [this.find(one), this.find(other)];
    if (from !== to) this.#parents.set(from, to);
  }
}
