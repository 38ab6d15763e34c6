import type { Clock } from '../model/clock.ts';
import type { Assembler } from './assembler.ts';
import { seemsOver } from './closing.ts';
import { isGapless } from './facts.ts';
import type { Decided } from './input.ts';

/** For how long things are waited for. In milliseconds. */
export interface Patience {
  /** After the last news of a run that has ended until it is over. */
  readonly settle: number;
  /** After the last news of any other run. */
  readonly timeout: number;
}

/** What is known of those who are heard. */
export interface Sources {
  /** Whether more may be on its way for longer than usual. */
  areBehind(): boolean;
  /** Whether the server sends spans. */
  spansMayCome(): boolean;
}

/** Milliseconds after which a number that a worker left out is taken to be lost. */
const MISSING_FOR = 60_000;
/** Milliseconds of silence of a process whose place another has taken: it would say every 5 s that it lives. */
const REPLACED_FOR = 15_000;
/** Milliseconds of silence of all processes after which a run of spans waits for no facts any more. */
const TOLD_LATELY = 86_400_000;
/** Milliseconds of silence after which a process that has nothing open is not remembered any more: it may live, and attaches once. */
const FORGOTTEN_AFTER = 7 * 86_400_000;
/** Milliseconds for which closed runs are remembered, at least. */
const REMEMBERED = 3_600_000;

/**
 * Goes through all runs, the one that was heard of longest ago first, and decides which of them are over by now. Each
 * decision is to be taken before the next is asked for; between them, undefined stands for a run that goes on.
 */
export function* dueOfRuns(
  assembler: Assembler,
  clock: Clock,
  patience: Patience,
  sources: Sources,
): Iterable<Decided | undefined> {
  for (const run of assembler.open) {
    if (clock.elapsed() - run.news < patience.settle) return;
    if (run.facts.chainSpan && !isGapless(run.facts) && assembler.hasMoreToGather(run)) {
      yield { kind: 'gathered', run: run.id };
      // It may have turned out to be a part of another.
      if (!assembler.open.has(run)) continue;
    }
    const spansMayCome = sources.spansMayCome();
    const configured = assembler.configured(run);
    // Where facts are heard from inside the server, they are what a run of spans waits for.
    const isHeard = assembler.processes.isHeardSince(clock.elapsed() - TOLD_LATELY);
    const factsMayCome = isHeard && run.facts.records.size === 0;
    const isOver = !sources.areBehind() && !factsMayCome && seemsOver(run.facts, configured, spansMayCome);
    const isTimeUp = clock.elapsed() - run.news >= (configured?.timeout ?? patience.timeout);
    yield isOver || isTimeUp ? { kind: 'closed', run: run.id, at: clock.now(), spansMayCome } : undefined;
  }
}

/** Decides what is not to be expected, or not needed, any more. Each decision is to be taken before the next is asked for. */
export function* dueOfOthers(
  { unplaced, workers, closed, processes }: Assembler,
  clock: Clock,
  { settle, timeout }: Patience,
  sources: Sources,
): Iterable<Decided> {
  const now = clock.elapsed();
  const spans: string[] = [];
  for (const { span, came } of unplaced) {
    if (now - came < timeout) break;
    spans.push(span.spanId);
  }
  if (spans.length > 0) yield { kind: 'orphaned', spans };
  for (const process of [...processes.waitingSince(now - settle)]) yield { kind: 'missed', process };
  // Who has fallen behind hears late that somebody is alive.
  const gone = sources.areBehind()
    ? []
    : [...processes.goneBefore(now - REPLACED_FOR, now - timeout, now - FORGOTTEN_AFTER)];
  for (const process of gone) yield { kind: 'gone', process, at: clock.now() };
  for (const numbers of workers.missedBefore(now - MISSING_FOR)) yield { kind: 'lost', ...numbers };
  const runs = closed.outdated(clock.now(), Math.max(REMEMBERED, timeout * 4));
  if (runs > 0) yield { kind: 'forgotten', runs };
}
