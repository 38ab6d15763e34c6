import type { BridgeStats } from '../../src/index.ts';
import { consumerStats, consumersOf, withJournalFile } from '../../src/journal/sqlite/operator/index.ts';
import { require } from './fault.ts';

/**
 * Everything was delivered to every tracer and nothing was given up: so says the bridge, and so does its journal, which is
 * closed.
 * @throws Error where it is not so
 */
export async function requireDelivered(
  { tracers, issues }: BridgeStats,
  path: string,
  events: number,
): Promise<void> {
  require(Object.keys(issues).length === 0, () => `issues: ${JSON.stringify(issues)}`);
  for (const [name, state] of Object.entries(tracers)) {
    const { ok, failed, dead, dropped, skipped, pending } = state;
    require(ok === events && failed + dead + dropped + skipped + pending === 0, () =>
      `${name} was due ${events} events: ${JSON.stringify(state)}`);
  }
  await withJournalFile(path, 'read', (file) => {
    const kept = consumersOf(file).map((place) => consumerStats(file, place));
    const isDone = kept.every(({ ok, depth, deadLetters }) => ok === events && depth + deadLetters === 0);
    require(isDone && kept.length === Object.keys(tracers).length, () =>
      `${events} answers to each were due in the journal: ${JSON.stringify(kept)}`);
  });
}
