import { Assembly, type AssemblySettings } from '../../src/assembly/assembly.ts';
import type { ConfiguredChain } from '../../src/assembly/configured-chains.ts';
import type { AssemblyIssue } from '../../src/assembly/issues.ts';
import type { LoadedTracer } from '../../src/delivery/create-tracer.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { Issues } from '../../src/model/issues.ts';
import { ThrottledLog } from '../../src/model/throttled-log.ts';
import { dispatcherTo } from '../support/dispatcher.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type Call, perRun, recordingTracer } from '../support/recording-tracer.ts';
import { ANY_TIME, HeardFacts, readFacts } from './heard-facts.ts';

export interface HarnessSettings extends Partial<Omit<AssemblySettings, 'chains' | 'clock' | 'read'>> {
  readonly clock?: ManualClock;
  readonly journal?: Journal;
  readonly plans?: Readonly<Record<string, ConfiguredChain>>;
  readonly answer?: (call: Call) => unknown;
  readonly options?: Readonly<Record<string, unknown>>;
  /** Beside the one whose calls are kept. */
  readonly tracers?: readonly LoadedTracer[];
}

export type Harness = Awaited<ReturnType<typeof openHarness>>;

/** An assembly in front of real delivery, and the calls that come of it. Time passes only where a test says so. */
export async function openHarness({
  plans = {},
  answer,
  options = {},
  tracers = [],
  clock = new ManualClock(),
  ...settings
}: HarnessSettings = {}) {
  const { calls, tracer } = recordingTracer(answer);
  const journal = settings.journal ?? memoryJournal();
  const events = dispatcherTo([{ name: 'heard', module: tracer, options }, ...tracers], journal);
  const issues = new Issues<AssemblyIssue>('receivers', new ThrottledLog('test'));
  const chains = new Map(Object.entries(plans));
  const limits = { settle: 30, timeout: 60_000, maxRuns: 10_000, endTimeout: 5_000, ...ANY_TIME };
  const opened = await Assembly.open({
    inbox: await journal.openInbox(),
    read: readFacts,
    events,
    observers: [],
    full: () => events.full,
    chains: () => chains,
    clock,
    issues,
    ...limits,
    ...settings,
  });
  const assembly = new HeardFacts(opened);
  const { settle } = { ...limits, ...settings };
  /** Resolves when tracers have heard everything. */
  const heard = () => events.flush(10_000);
  return {
    assembly,
    issues,
    calls,
    heard,
    /** Resolves when everything so far survives a crash. */
    async durable() {
      await assembly.taken();
      await assembly.durable();
      await events.durable();
    },
    clock,
    /** Memory is tight. */
    async relieve() {
      await assembly.taken();
      await opened.relieve();
    },
    /** The calls of each run, in short. */
    runs: () => perRun(calls),
    /** The same, by run id. */
    byRun: () => {
      const ids = [...new Set(calls.map(({ context }) => context.runId))];
      return new Map(perRun(calls).map((run, index) => [ids[index], run]));
    },
    /** Lets time pass, and tracers hear what comes of it. */
    async pass(milliseconds: number) {
      await assembly.taken();
      await clock.pass(milliseconds);
      await heard();
    },
    /** Lets time pass until no run is open any more and tracers have heard everything. */
    async settled() {
      await assembly.taken();
      while (assembly.runs > 0) await clock.pass(settle);
      await heard();
    },
    async close() {
      await assembly.stop();
      await events.shutdown(10_000);
    },
  };
}
