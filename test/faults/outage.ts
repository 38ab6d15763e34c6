import { join } from 'node:path';
import type { BridgeStats } from '../../src/index.ts';
import { startChild } from './child.ts';
import { requireDelivered } from './delivered.ts';
import { type Fault, require, runFaults } from './fault.ts';
import { RUN_CALLS, RUN_EVENTS } from './numbered-runs.ts';
import type { OutageMessage } from './outage-child.ts';

/** A tracer that cannot be reached for an hour. */
export const outage: Fault = {
  name: 'outage',
  title: 'a tracer that cannot be reached for an hour, in which a million events happen',
  inject: async ({ size, folder, say }) => {
    const events = { full: 1_000_000, short: 100_000 }[size];
    const path = join(folder, 'journal.db');
    const child = startChild<OutageMessage>('outage-child.ts', [path, String(events / RUN_EVENTS)], {
      node: HEAP,
      timeout: LIMIT,
    });
    const { code, signal, stderr, late } = await child.ended;
    require(!late, () => `it was not over after ${LIMIT / 1_000} s: ${JSON.stringify(child.messages)}`);
    require(code === 0, () => `the process ended with ${code ?? signal}: ${stderr}`);
    const [first, last] = child.messages;
    require(first !== undefined && 'fed' in first, () => 'it did not tell what came of the hour');
    require(last !== undefined && 'drained' in last, () => 'it did not tell what came afterwards');
    const { fed, seconds } = first;
    const { drained, callsPerSecond, faults } = last;
    requireKept(fed.stats, events);
    require(faults.length === 0, () => faults.join('; '));
    await requireDelivered(drained.stats, path, events);
    require(drained.disk <= DISK, () => `the journal took ${inMiB(drained.disk)} on disk`);
    require(drained.memory <= MEMORY, () => `the process took ${inMiB(drained.memory)} of memory`);
    if (size === 'full')
      require(callsPerSecond >= CALLS_PER_SECOND, () => `${callsPerSecond.toFixed(0)} calls/s afterwards`);
    say(
      `${counted(events)} events in an hour that took ${seconds.toFixed(1)} s, all kept for the tracer that was down: at the most ${inMiB(drained.disk)} on disk, ${inMiB(drained.memory)} of memory (${inMiB(fed.memory)} until it was back)`,
    );
    say(
      `then its ${counted((events / RUN_EVENTS) * RUN_CALLS.length)} calls, ${counted(callsPerSecond)} a second, each once and those of a run in order; ${counted(drained.stats.tracers.down?.retried ?? 0)} attempts had failed, 0 dead letters`,
    );
  },
};

const MIB = 2 ** 20;
const DISK = 1_024 * MIB;
const MEMORY = 256 * MIB;
const CALLS_PER_SECOND = 2_000;
/** Milliseconds that everything may take. */
const LIMIT = 3_600_000;
/**
 * Half of the memory, which is what Node.js takes for its heap by itself in a container that has no more than that. On a
 * large machine it lets garbage grow to several times of what is alive before it looks for any.
 */
const HEAP = ['--max-heap-size=128'];

/** At the end of the hour the one has heard everything, the other nothing, and nothing is given up. */
function requireKept({ tracers: { well, down }, issues }: BridgeStats, events: number): void {
  const is = {
    'everything heard': well?.ok === events && well.retried === 0,
    'everything kept': down?.ok === 0 && down.pending === events,
    'nothing given up': down?.dead === 0 && down.dropped === 0,
    'an hour old': (down?.oldestAge ?? 0) > 3_590,
    'left alone': down?.circuit !== 'closed',
    'without issues': Object.keys(issues).length === 0,
  };
  for (const [what, held] of Object.entries(is))
    require(held, () => `after the hour it was not so: ${what}: ${JSON.stringify({ well, down, issues })}`);
}

function inMiB(bytes: number): string {
  return `${(bytes / MIB).toFixed(0)} MiB`;
}

function counted(value: number): string {
  return Math.round(value).toLocaleString('en');
}

if (import.meta.main) await runFaults([outage]);
