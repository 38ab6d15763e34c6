import type { TracerEntry } from '../../../src/bridge/create-tracer.ts';
import { TracerSpanProcessor } from '../../../src/bridge/tracer-span-processor.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { memoryJournal } from '../../../src/journal/memory.ts';
import { Issues } from '../../../src/model/issues.ts';
import { RarelyLogged } from '../../../src/model/rarely-logged.ts';
import { RunAssembler, type RunAssemblerSettings } from '../../../src/receivers/assembler/run-assembler.ts';
import type { ChainPlan } from '../../../src/receivers/assembler/story.ts';
import type { ReceiverIssue } from '../../../src/receivers/issues.ts';
import { type Call, perRun, recordingTracer } from '../../support/recording-tracer.ts';

export interface StandSettings extends Partial<Omit<RunAssemblerSettings, 'plan' | 'chainWith'>> {
  readonly journal?: Journal;
  readonly plans?: Readonly<Record<string, ChainPlan>>;
  readonly answer?: (call: Call) => unknown;
  readonly options?: Readonly<Record<string, unknown>>;
  /** Beside the one whose calls are kept. */
  readonly tracers?: readonly TracerEntry[];
}

export type Stand = Awaited<ReturnType<typeof openStand>>;

/** An assembler in front of the real bridge, and the calls that come of it. */
export async function openStand({
  plans = {},
  answer,
  options = {},
  tracers = [],
  ...settings
}: StandSettings = {}) {
  const journal = settings.journal ?? memoryJournal();
  const { calls, tracer } = recordingTracer(answer);
  const bridge = new TracerSpanProcessor({
    tracers: [{ name: 'heard', module: tracer, options }, ...tracers],
    journal,
  });
  const issues = new Issues<ReceiverIssue>('receivers', new RarelyLogged('test'));
  const assembler = new RunAssembler({
    inbox: await journal.openInbox(),
    bridge,
    observers: [],
    durable: () => journal.durable(),
    full: () => journal.full,
    plan: (chain) => plans[chain],
    chainWith: (links) => {
      const found = Object.entries(plans).filter(([, plan]) => String(plan.links) === String(links));
      return found.length === 1 ? found[0]?.[0] : undefined;
    },
    issues,
    settle: 30,
    timeout: 60_000,
    maxRuns: 10_000,
    ...settings,
  });
  assembler.start();
  return {
    assembler,
    bridge,
    issues,
    calls,
    /** The calls of each run, in short. */
    runs: () => perRun(calls),
    /** The same, by run id. */
    byRun: () => {
      const ids = [...new Set(calls.map(({ context }) => context.runId))];
      return new Map(perRun(calls).map((run, index) => [ids[index], run]));
    },
    /** Resolves when no run is open any more and tracers have heard everything. */
    async settled() {
      while (assembler.runs > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await bridge.forceFlush();
    },
    async close() {
      assembler.stop();
      await bridge.shutdown();
    },
  };
}
