import fc from 'fast-check';
import type { Act, Passage } from './python-conserver.ts';

const act = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Act>('same') },
  { weight: 3, arbitrary: fc.constantFrom<Act>('new', 'halt', 'raise', 'misnamed') },
);

/** Chains of one length have one plan. */
const passage = (i: number): fc.Arbitrary<Passage> =>
  fc
    .record({
      vcon: fc.constantFrom('u1', 'u2', 'u3'),
      acts: fc.array(act, { maxLength: 4 }),
      storages: fc.array(fc.record({ fails: fc.boolean() }), { maxLength: 2 }),
      parallel: fc.boolean(),
      start: fc.integer({ min: 0, max: 60 }).map((ms) => ms * 2.5 + i * 0.05),
      endsAfterFailure: fc.boolean(),
      leakedFrom: fc.option(fc.nat(Math.max(i - 1, 0)), { nil: undefined }),
      collectedIn: fc.oneof(
        { weight: 4, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.uniqueArray(fc.nat(3), { maxLength: 2 }) },
      ),
      tracerFailsAt: fc.option(fc.nat(3), { nil: undefined, freq: 8 }),
    })
    .map(({ leakedFrom, tracerFailsAt, ...rest }) => ({
      ...rest,
      ...(isAlone(rest, leakedFrom, tracerFailsAt) && { vcon: `alone-${i}` }),
      // The storages of two runs, if the last link gave the vCon a uuid that nothing else shows, cannot be told apart.
      chain: `chain-${rest.acts.length}-${rest.storages.length}${rest.parallel && rest.acts.at(-1) === 'new' ? `-${i}` : ''}`,
      ...(i > 0 && leakedFrom !== undefined && { leakedFrom }),
      ...(tracerFailsAt !== undefined && { tracerFailsAt }),
    }));

/** Whether nobody could tell a passage from another of the same vCon through the same chain at the same time. */
function isAlone(
  { acts, storages, parallel, collectedIn, endsAfterFailure }: Omit<Passage, 'chain'>,
  leakedFrom: number | undefined,
  tracerFailsAt: number | undefined,
): boolean {
  // Storages without a parent.
  if (parallel && storages.length > 0) return true;
  // Links in the trace of a failed run, with a parent that never comes: it could be somebody's span within that run.
  const fails = tracerFailsAt !== undefined || acts.includes('raise') || acts.includes('misnamed');
  if (leakedFrom !== undefined && fails && !endsAfterFailure) return true;
  // Records without true ids.
  return collectedIn.length > 0;
}

/** Up to five of them, in which everything happens that CONSERVER §4 tells of. */
export const passages: fc.Arbitrary<Passage[]> = fc
  .integer({ min: 1, max: 5 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => passage(i))));
