import { describe, expect, test } from 'vitest';
import { type Certain, ServerRuns } from '../../../src/assembly/server/server-runs.ts';
import type { ChainEvent } from '../../../src/model/event.ts';
import { factRecordings, NO_FACTS, recordedFacts } from '../../support/captured-facts.ts';
import { truthOf, undecided, words } from './truth.ts';

/** Of these recordings something cannot be known without what no official hook tells (FACTS §4). */
const UNDECIDED = ['16-no-otel', '28-halt-last-nothing-after', 'N02-uuid-change', 'N08-two-chains-egress'];

describe.skipIf(NO_FACTS)('what the facts of a recording tell is what truly happened', () => {
  for (const recording of factRecordings())
    test(recording, () => {
      expect(tellAll(recording, true)).toEqual(truthOf(recording));
    });
  for (const recording of factRecordings())
    test(`${recording}, without what no official hook tells`, () => {
      const told = tellAll(recording, false);
      if (!UNDECIDED.includes(recording)) expect(told).toEqual(truthOf(recording));
      else expect(told.map(undecided)).toEqual(truthOf(recording).map(undecided));
    });
});

function tellAll(recording: string, extras: boolean): string[] {
  const processes = new Map<string, ServerRuns>();
  const runs = new Map<string, ChainEvent[]>();
  const keep = (certain: readonly Certain[]) => {
    for (const { run, events } of certain) runs.set(run.runId, [...(runs.get(run.runId) ?? []), ...events]);
  };
  for (const fact of recordedFacts(recording, extras)) {
    const key = `${fact.pid}`;
    const process = processes.get(key) ?? new ServerRuns();
    processes.set(key, process);
    keep(process.take(fact).certain);
  }
  for (const process of processes.values()) keep(process.lose(0));
  return [...runs.values()].map(words).sort();
}
