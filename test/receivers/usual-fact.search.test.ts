import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ServerFact } from '../../src/model/server-fact.ts';
import { readBySchema, readServerFact } from '../../src/receivers/server-fact.ts';
import { isUsualFact } from '../../src/receivers/usual-fact.ts';
import { FactWorker } from '../support/fact-worker.ts';
import { runs } from '../support/search.ts';

type Fact = Readonly<Record<string, unknown>>;

const CHAIN = { name: 'main', links: ['a', 'b'], storages: ['s'] };
const FACTS = [...new FactWorker(1).run(0, CHAIN)].map((text) => JSON.parse(text) as Fact);
/** What a fact may have, and these have not. */
const MORE = {
  error: 'ValueError',
  raised: 'builtins.KeyError',
  sha256: 'ab'.repeat(32),
  producer: { trace_id: '1'.repeat(32), span_id: '2'.repeat(16) },
  egress_lists: ['done'],
};
const KEYS = [...new Set([...FACTS, MORE].flatMap((fact) => Object.keys(fact)))];

const texts = ['', 'a', 'a b', 'é', '0', '7', '1'.repeat(20), '1'.repeat(21), '0'.repeat(16), 'AB'.repeat(8)];
const long = [256, 257, 128, 129].map((length) => 'x'.repeat(length));
const numbers = [-2, -1, -0, 0, 0.5, 1, 1_000, 1_001, 2 ** 53, Number.MAX_SAFE_INTEGER];
const lists = [[], ['a'], [''], [1], [null], [['a']], {}, Array(1_000).fill('n'), Array(1_001).fill('n')];
const ODD = [...texts, ...long, ...numbers, ...lists, Array(33).fill(long[0]), true, false, null, undefined];

/** A fact with some fields that are others, of another fact, or not there. */
const facts = fc
  .tuple(
    fc.constantFrom(...FACTS),
    fc.array(
      fc.tuple(
        fc.constantFrom(...KEYS),
        fc.oneof(
          fc.constantFrom(...ODD, ...Object.values(MORE)),
          fc.constantFrom(...FACTS.flatMap((fact) => Object.values(fact))),
        ),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([fact, changes]): Fact => ({ ...fact, ...Object.fromEntries(changes) }));

function read(by: (fact: unknown) => ServerFact, fact: Fact): ServerFact | string {
  try {
    return by(fact);
  } catch (error) {
    return String(error);
  }
}

test('a fact is read as its schemas have it, however it is recognised', () => {
  fc.assert(
    fc.property(facts, (fact) => {
      expect(read(readServerFact, fact)).toStrictEqual(read(readBySchema, fact));
    }),
    { numRuns: runs(50_000) },
  );
});

test.each([...new Set(FACTS.map(({ kind }) => kind))].filter((kind) => kind !== 'run_start'))(
  'a usual fact is recognised: %s',
  (kind) => {
    expect(FACTS.filter((fact) => fact.kind === kind).every(isUsualFact)).toBe(true);
  },
);
