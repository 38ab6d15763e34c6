import type { TimelineRun } from '../timeline-run.ts';

/** Runs that queued one another or were of one vCon, in order of start. One at least. */
export type Story = readonly [TimelineRun, ...TimelineRun[]];

/** Groups runs: one vCon's way through chains is one story, under whatever uuids. In order of start. */
export function storiesOf(runs: readonly TimelineRun[]): Story[] {
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

  /** What stands for the set that a key is in. */
  find(key: string): string {
    let found = key;
    for (let next = this.#parents.get(found); next !== undefined; next = this.#parents.get(found)) {
      // Half of the way is gone for whoever comes next.
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
