import type { SpanFact } from '../model/fact.ts';
import type { Assembler } from './assembler.ts';
import type { ConfiguredChain } from './configured-chains.ts';
import { stated, statementsOf } from './emit.ts';
import { workerOf } from './facts.ts';
import type { KeptRun, OpenRun } from './open-run.ts';
import type { OpenRuns } from './open-runs.ts';
import type { KeptProcess } from './server/server-processes.ts';
import type { Unheard } from './unheard.ts';
import type { WorkerNumbers } from './workers.ts';

/** All that the assembler has in hand, in parts. */
export type StatePart =
  | { readonly kind: 'configured'; readonly chains: ReadonlyMap<string, ConfiguredChain> }
  /** In the order in which they were closed, see `ClosedRuns`. */
  | { readonly kind: 'closed'; readonly packed: Buffer }
  | { readonly kind: 'workers'; readonly workers: readonly WorkerNumbers[] }
  /** In the order in which they began. */
  | { readonly kind: 'open'; readonly runs: readonly KeptRun[] }
  | { readonly kind: 'unplaced'; readonly spans: readonly SpanFact[] }
  | { readonly kind: 'taken_over' }
  | { readonly kind: 'processes'; readonly processes: readonly KeptProcess[] }
  | ({ readonly kind: 'unheard' } & Unheard['kept']);

/** Runs, spans or workers in one part. */
const IN_A_PART = 500;

/** What an assembler has in hand at this moment, whatever it takes afterwards. */
export function stateOf({
  open,
  closed,
  workers,
  unplaced,
  chains,
  processes,
  unheard,
}: Assembler): Iterable<StatePart> {
  return inParts(
    unheard.kept,
    chains.byName,
    [...open.sinceBegin()].map((run) => keptRun(run, open)),
    closed.packed,
    [...workers.numbers()],
    [...unplaced].map(({ span }) => span),
    [...processes.kept()],
    processes.isTakenOver,
  );
}

function keptRun(run: OpenRun, open: OpenRuns): KeptRun {
  const { id, rootSpanId, traceId, chain, isGapped, isMisled, emitted, sender } = run;
  return {
    id,
    rootSpanId,
    traceId,
    chain,
    facts: open.factsNow(run),
    isGapped,
    isMisled,
    uuids: [...open.uuidsOf(run)],
    isNameless: open.isNameless(run),
    sender,
    emitted: emitted ? statementsOf(emitted) : [],
  };
}

function* inParts(
  unheard: Unheard['kept'],
  chains: ReadonlyMap<string, ConfiguredChain>,
  open: readonly KeptRun[],
  closed: readonly Buffer[],
  workers: readonly WorkerNumbers[],
  unplaced: readonly SpanFact[],
  processes: readonly KeptProcess[],
  isTakenOver: boolean,
): Iterable<StatePart> {
  yield { kind: 'unheard', ...unheard };
  yield { kind: 'configured', chains };
  if (isTakenOver) yield { kind: 'taken_over' };
  for (const packed of closed) yield { kind: 'closed', packed };
  for (const some of chunks(workers)) yield { kind: 'workers', workers: some };
  for (const runs of chunks(open)) yield { kind: 'open', runs };
  for (const spans of chunks(unplaced)) yield { kind: 'unplaced', spans };
  for (const some of chunks(processes, ({ runs }) => 1 + runs.open.length))
    yield { kind: 'processes', processes: some };
}

/** @param weight as how many an item counts */
function* chunks<Item>(
  items: readonly Item[],
  weight: (item: Item) => number = () => 1,
): Iterable<readonly Item[]> {
  let some: Item[] = [];
  let weights = 0;
  for (const item of items) {
    some.push(item);
    weights += weight(item);
    if (weights < IN_A_PART) continue;
    yield some;
    some = [];
    weights = 0;
  }
  if (some.length > 0) yield some;
}

/** Gives an assembler that has nothing yet what another had. @param now on the clock's `elapsed` */
export function restore(assembler: Assembler, part: StatePart, now: number): void {
  const { open, closed, workers, unplaced, processes } = assembler;
  switch (part.kind) {
    case 'unheard':
      assembler.unheard.restore(part);
      break;
    case 'configured':
      assembler.configure(part.chains);
      break;
    case 'closed':
      closed.restore(part.packed);
      break;
    case 'workers':
      for (const worker of part.workers) workers.restore(worker, now);
      break;
    case 'open':
      for (const run of part.runs) {
        const restored = open.restore(run, stated(run.emitted), now);
        workers.get(workerOf(run.facts))?.runs.add(restored);
      }
      break;
    case 'unplaced':
      for (const span of part.spans) unplaced.add(span, now);
      break;
    case 'taken_over':
      processes.takeOver();
      break;
    case 'processes':
      for (const process of part.processes) processes.restore(process, now);
  }
}
