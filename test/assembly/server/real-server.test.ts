import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Certain, ServerRuns } from '../../../src/assembly/server/server-runs.ts';
import { type ChainEvent, eventName } from '../../../src/model/event.ts';
import type { ServerFact } from '../../../src/model/server-fact.ts';
import { readServerFact } from '../../../src/receivers/server-fact.ts';
import { runs } from '../../support/search.ts';

/** Facts of the real server as they travelled, and what was true (`npm run try:conserver -- PATH --record FOLDER`). */
const FOLDER = join(import.meta.dirname, '../../fixtures/facts');
const RECORDINGS = readdirSync(FOLDER).flatMap((file) => file.split('.facts.jsonl.gz').slice(0, -1));

/** A run as the truth has it. */
interface Told {
  chain: string;
  vcon: string;
  links: [number, string, string, string | null][];
  after: unknown;
  storages: [string, string, string | null][];
  outcome: string;
  error: string | null;
}

describe('what the real server sent is read, and tells what happened', () => {
  test.each(RECORDINGS)('%s', (recording) => {
    const truth = truthOf(recording);
    expect(truth.length).toBeGreaterThan(15);
    expect(tell(factsOf(recording)).toSorted(byName)).toEqual(truth.toSorted(byName));
  });

  test.each(RECORDINGS)('%s: nothing untrue, whatever of it found the queue full', (recording) => {
    const facts = factsOf(recording);
    const truth = new Map(truthOf(recording).map((run) => [`${run.chain} ${run.vcon}`, run]));
    const at = fc.nat(facts.length - 2);
    fc.assert(
      fc.property(fc.array(fc.tuple(at, fc.integer({ min: 1, max: 12 })), { maxLength: 6 }), (holes) => {
        for (const run of tell(withHoles(facts, holes))) expect(untrue(run, truth)).toEqual([]);
      }),
      { numRuns: runs(2_000) },
    );
  });
});

/** Facts of which the queue had no room for some: each thread's next one comes after a gap. */
function withHoles(
  facts: readonly ServerFact[],
  holes: readonly (readonly [number, number])[],
): ServerFact[] {
  const lost = new Map<string, number | undefined>();
  const left: ServerFact[] = [];
  for (const [at, fact] of facts.entries()) {
    const isLost = at > 0 && holes.some(([from, count]) => at > from && at <= from + count);
    if (isLost && !lost.has(fact.thread)) lost.set(fact.thread, fact.run);
    if (isLost) continue;
    if (lost.has(fact.thread)) left.push({ ...fact, run: lost.get(fact.thread), kind: 'gap' });
    lost.delete(fact.thread);
    left.push(fact);
  }
  return left;
}

/** What is said of a run that did not happen. What is not said, or said to be unknown, is not untrue. */
function untrue(run: Told, truth: ReadonlyMap<string, Told>): unknown[] {
  const true_ = truth.get(`${run.chain} ${run.vcon}`);
  if (!true_) return [run];
  const has = (all: readonly unknown[], one: unknown) =>
    all.some((other) => JSON.stringify(other) === JSON.stringify(one));
  const links = run.links.filter((link) => link[2] !== 'unknown' && !has(true_.links, link));
  const storages = run.storages.filter((one) => !has(true_.storages, one));
  const isSaid = run.outcome !== 'unknown' && run.outcome !== 'open';
  const isEndTrue = !isSaid || (run.outcome === true_.outcome && run.after === true_.after);
  return [...links, ...storages, ...(isEndTrue ? [] : [run])];
}

function tell(facts: readonly ServerFact[]): Told[] {
  const process = new ServerRuns();
  const events = new Map<string, ChainEvent[]>();
  const keep = (certain: readonly Certain[]) => {
    for (const { run, events: more } of certain)
      events.set(run.runId, [...(events.get(run.runId) ?? []), ...more]);
  };
  for (const fact of facts) keep(process.take(fact).certain);
  keep(process.lose(0));
  return [...events.values()].filter((all) => all.length > 0).map(told);
}

function factsOf(recording: string): ServerFact[] {
  return linesOf(`${recording}.facts`).map(readServerFact);
}

function truthOf(recording: string): Told[] {
  return (linesOf(`${recording}.truth`) as Told[]).map(asEvents);
}

function linesOf(file: string): unknown[] {
  const text = gunzipSync(readFileSync(join(FOLDER, `${file}.jsonl.gz`))).toString();
  return text
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

/** What a link returned in a uuid's place is none: the run goes on under the one it has. */
function asEvents(run: Told): Told {
  const after = run.after === true ? run.vcon : run.after;
  return { ...run, after, storages: run.storages.toSorted() };
}

function byName(one: Told, other: Told): number {
  return `${one.chain} ${one.vcon}` < `${other.chain} ${other.vcon}` ? -1 : 1;
}

function told(events: readonly ChainEvent[]): Told {
  const [first] = events;
  const last = events.at(-1);
  const ended = events.filter(({ phase }) => phase !== 'start');
  return {
    chain: first?.chain ?? '',
    vcon: first?.inVconUuid ?? '',
    links: ended
      .filter(({ stage }) => stage === 'link')
      .map((event) => [
        event.linkIndex ?? -1,
        shortOf(event.link),
        outcomeOf(event),
        event.errorType ?? null,
      ]),
    after: last?.phase === 'complete' ? last.outVconUuid : null,
    storages: ended
      .filter(({ stage }) => stage === 'storage')
      .map((event): Told['storages'][number] => [
        shortOf(event.storage),
        outcomeOf(event),
        event.errorType ?? null,
      ])
      .toSorted(),
    outcome: last && eventName(last).startsWith('chain_') ? outcomeOf(last) : 'open',
    error: last?.stage === 'chain' ? (last.errorType ?? null) : null,
  };
}

function outcomeOf({ phase, outcome }: ChainEvent): string {
  return phase === 'error' ? 'error' : (outcome ?? 'success');
}

function shortOf(name = ''): string {
  return name.slice(name.indexOf('.') + 1);
}
