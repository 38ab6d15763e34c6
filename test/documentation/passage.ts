import {
  type Chain,
  type ConfigInput,
  type RunChainResult,
  runChain,
  startTracing,
} from '../../src/index.ts';
import type { TracerModule } from '../../src/model/tracer.ts';
import { type MemoryVconStore, memoryVconStore } from '../../src/vcon-store/index.ts';
import { type Call, recordingTracer } from '../support/recording-tracer.ts';

export const UUID = '018f0000-0000-8000-8000-000000000001';

/** A small document of three parties and one dialog. */
export const DOCUMENT = JSON.stringify({
  uuid: UUID,
  vcon: '0.3.0',
  parties: [{ tel: '+15550100' }, {}, {}],
  dialog: [{ type: 'text', body: 'hello' }],
});

/** Two links and a storage that end well. */
export const CHAIN: Chain = {
  name: 'audited_chain',
  links: [
    { name: 'transcribe', run: (uuid) => uuid },
    { name: 'analyze', run: (uuid) => uuid },
  ],
  storages: [{ name: 'postgres', save: () => {} }],
};

/** A link that fails before another, which does not run. */
export const BROKEN: Chain = {
  name: 'broken',
  links: [
    {
      name: 'break',
      run: () => {
        throw new RangeError('on purpose');
      },
    },
    { name: 'after', run: (uuid) => uuid },
  ],
};

/** A storage that fails. */
export const FULL: Chain = {
  name: 'full',
  links: [],
  storages: [{ name: 'disk', save: () => Promise.reject(new RangeError('on purpose')) }],
};

export interface Passage {
  /** What a tracer that records heard. */
  readonly calls: readonly Call[];
  readonly result: RunChainResult;
  readonly store: MemoryVconStore;
}

export interface PassageSettings {
  readonly chain?: Chain;
  /** Beside the tracer that records, whose name is `recording`. */
  readonly tracers?: ConfigInput['tracers'];
  readonly config?: Omit<ConfigInput, 'tracers'>;
  /** Instead of the tracer that records. */
  readonly recording?: TracerModule;
  readonly options?: Record<string, unknown>;
  /** Answers the calls of the tracer that records. */
  readonly answer?: (call: Call) => unknown;
}

/** Takes the document through a chain, with tracing as an application has it. */
export async function pass(settings: PassageSettings = {}): Promise<Passage> {
  const { chain = CHAIN, tracers, config, options = {}, answer = () => true } = settings;
  const { calls, tracer } = recordingTracer(answer);
  const store = memoryVconStore();
  await store.write(UUID, DOCUMENT);
  // Whoever fails is called again at once, and not for ever.
  const delivery = {
    retry: { initial_interval: '1ms', max_interval: '1ms', max_attempts: 3 },
    circuit_breaker: { failures: 1_000 },
  };
  const recording = { module: settings.recording ?? tracer, options, delivery };
  const tracing = await startTracing(
    { log_level: 'error', ...config, tracers: { recording, ...tracers } },
    { vcons: store },
  );
  try {
    const result = await runChain(
      chain,
      { uuid: UUID },
      { vcons: store, queue: store, ingressList: 'default' },
    );
    await tracing.forceFlush();
    return { calls, result, store };
  } finally {
    await tracing.shutdown();
  }
}

/** The events of a passage, in order. */
export function eventsOf({ calls }: Passage): string[] {
  return calls.flatMap((call) => (call.call === 'trace' ? [call.event] : []));
}

/** The calls of `run`, in order. */
export function runsOf({ calls }: Passage): (Call & { call: 'run' })[] {
  return calls.filter((call) => call.call === 'run');
}
