import type { BridgeStats } from '../../src/index.ts';
import { openFileAdmin } from '../../src/journal/open-admin.ts';
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
    const { ok, dead, dropped, skipped, pending } = state;
    require(ok === events && dead + dropped + skipped + pending === 0, () =>
      `${name} was due ${events} events: ${JSON.stringify(state)}`);
  }
  const admin = await openFileAdmin(path);
  const kept = await Promise.all((await admin.tracers()).map((name) => admin.stats(name)));
  await admin.close();
  const isDone = kept.every(({ ok, depth, deadLetters }) => ok === events && depth + deadLetters === 0);
  require(isDone && kept.length === Object.keys(tracers).length, () =>
    `${events} answers to each were due in the journal: ${JSON.stringify(kept)}`);
}
