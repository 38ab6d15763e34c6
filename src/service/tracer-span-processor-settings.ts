import type { MeterProvider } from '@opentelemetry/api';
import type { LoadedTracer } from '../delivery/create-tracer.ts';
import type { Journal } from '../journal/journal.ts';
import { VconOtelError } from '../model/error.ts';
import type { ChainEvent } from '../model/event.ts';
import type { TracerModule } from '../model/tracer.ts';
import type { VconStore } from '../model/vcon.ts';

/** What a chain's configuration tells the bridge. */
export interface BridgedChain {
  /** Its links, for spans that do not carry them. */
  readonly links?: readonly string[] | undefined;
  /** The tracers that hear it: none if empty, all if absent. */
  readonly tracers?: readonly string[] | undefined;
}

/** A tracer as it is asked for: the same words as in the configuration. */
export interface TracerEntry extends Omit<LoadedTracer, 'module'> {
  /** One of ours by its name (`tracers.compliance`), or a module that you have imported. */
  readonly module: TracerModule | string;
}

export interface TracerSpanProcessorSettings {
  readonly tracers: readonly TracerEntry[];
  /** Where tracers look up vCons. Default: a store that has none. */
  readonly vcons?: VconStore;
  /** The chains that are known; a run of any other is heard by all tracers and counted. Default: not checked. */
  readonly chains?: Readonly<Record<string, BridgedChain>>;
  /** Chains that are known from elsewhere, beside `chains`. */
  readonly isKnownChain?: (chain: string) => boolean;
  /** Default: a journal in memory. */
  readonly journal?: Journal;
  /** Ends after this processor, which it is told of to the last. Default: the global one, asked for at the first span. */
  readonly meterProvider?: MeterProvider;
  /** Runs that may be open at once; beyond it the oldest is given up and counted. Default 250,000. */
  readonly maxOpenRuns?: number;
  /** Milliseconds that `forceFlush` and `shutdown` wait for tracers. Default 10,000. */
  readonly drainTimeout?: number;
  /** Told of each call that a tracer answered well, and how many seconds it took. Must not throw. */
  readonly completed?: (tracer: string, call: 'trace' | 'run', event: ChainEvent, seconds: number) => void;
}

/**
 * Checks what code handed in.
 * @throws VconOtelError `CONFIG_INVALID`
 */
function requireDistinct(tracers: readonly TracerEntry[]): void {
  const names = new Set<string>();
  for (const { name } of tracers) {
    if (names.has(name))
      throw new VconOtelError('CONFIG_INVALID', `two tracers are called ${name}`, {
        path: `tracers.${name}`,
      });
    names.add(name);
  }
}

export function requireSettings({ tracers, chains = {}, ...settings }: TracerSpanProcessorSettings): void {
  requireDistinct(tracers);
  for (const key of ['maxOpenRuns', 'drainTimeout'] as const) {
    const value = settings[key] ?? 1;
    // A timer cannot wait longer; it would fire at once.
    if (!(value >= 1 && value <= 2_147_483_647))
      throw new VconOtelError('CONFIG_INVALID', `${key}: expected a number from 1 to 2147483647`, {
        path: key,
      });
  }
  const names = new Set(tracers.map(({ name }) => name));
  for (const [chain, { tracers: heardBy = [] }] of Object.entries(chains))
    for (const name of heardBy)
      if (!names.has(name))
        throw new VconOtelError('CONFIG_INVALID', `chains.${chain}.tracers: there is no tracer ${name}`, {
          path: `chains.${chain}.tracers`,
        });
}
