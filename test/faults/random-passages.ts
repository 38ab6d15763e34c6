import type { Act, Passage } from '../assembly/python-conserver.ts';

/** Passages that happen at about the same time, and of which one may spoil the next. */
const TOGETHER = 6;
/** Milliseconds from one of these groups to the next. */
const APART = 1_000;

/** Passages of vCons through chains of a Python conserver, with good and bad luck, in groups. */
export function randomPassages(random: () => number, groups: number): Passage[][] {
  const below = (limit: number) => Math.floor(random() * limit);
  const act = (): Act =>
    random() < 0.75 ? 'same' : ((['new', 'halt', 'raise', 'misnamed'] as const)[below(4)] ?? 'same');
  const passage = (group: number, i: number, unlucky: number): Passage => {
    const index = group * TOGETHER + i;
    const acts = Array.from({ length: below(5) }, act);
    const storages = Array.from({ length: below(3) }, () => ({ fails: random() < 0.3 }));
    // Two runs whose records have the same wrong ids can be taken for one as long as nothing else is known of them.
    const collectedIn = i === unlucky ? [below(4)] : [];
    return {
      chain: `chain-${acts.length}-${storages.length}`,
      vcon: `vcon-${index}`,
      acts,
      storages,
      parallel: random() < 0.5,
      start: group * APART + below(60) * 2.5 + i * 0.05,
      endsAfterFailure: random() < 0.5,
      collectedIn,
      ...(i > 0 && random() < 0.4 && { leakedFrom: group * TOGETHER + below(i) }),
      ...(random() < 0.1 && { tracerFailsAt: below(4) }),
    };
  };
  const all = Array.from({ length: groups }, (_, group) => {
    const unlucky = below(TOGETHER);
    return Array.from({ length: TOGETHER }, (_, i) => passage(group, i, unlucky));
  });
  // That a record has a failed run's ids can only be known where something of that run comes.
  const leaked = new Set(all.flat().map(({ leakedFrom }) => leakedFrom));
  return all.map((group, g) =>
    group.map((one, i) => (leaked.has(g * TOGETHER + i) ? { ...one, endsAfterFailure: true } : one)),
  );
}

/** Puts things into another order. */
export function shuffled<T>(random: () => number, things: readonly T[]): T[] {
  return things
    .map((thing) => ({ thing, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ thing }) => thing);
}
