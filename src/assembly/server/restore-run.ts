import type { ChainEvent } from '../../model/event.ts';
import type { KeptServerRun } from './run-start.ts';
import { ServerRun } from './server-run.ts';

/** The same run again, and all events that were made of it. */
export function restoreRun({ start, hearing, facts, called, missed }: KeptServerRun): {
  readonly run: ServerRun;
  readonly events: readonly ChainEvent[];
} {
  const run = new ServerRun(start, hearing, missed);
  const events: ChainEvent[] = [];
  for (const [at, fact] of facts.entries()) {
    events.push(...run.take(fact));
    for (const [after, index, time] of called)
      if (after === at + 1) events.push(...run.call(index, BigInt(time)));
  }
  return { run, events };
}
