import type { MeterProvider } from '@opentelemetry/api';
import { Assembly } from '../assembly/assembly.ts';
import { ASSEMBLY_ISSUES, type AssemblyIssue } from '../assembly/issues.ts';
import { type Config, type LoadedConfig, redisUrlOf } from '../config/load-config.ts';
import type { EventLogState } from '../journal/event-log.ts';
import type { Journal } from '../journal/journal.ts';
import { systemClock } from '../model/clock.ts';
import type { EventSink } from '../model/event-sink.ts';
import { Issues } from '../model/issues.ts';
import type { RunObserver } from '../model/run.ts';
import { ThrottledLog } from '../model/throttled-log.ts';
import {
  measureReceivers,
  type RECEIVER_OUTCOMES,
  type Receiver,
  ReceiverCounts,
  type StreamStats,
  withReceived,
} from '../receivers/index.ts';
import type { ReceiverDefinition } from '../receivers/receiver.ts';
import { builtInReceivers } from '../receivers/registry.ts';
import { receiversOf } from './components.ts';
import { configuredChains } from './configured-chains.ts';
import type { ConserverChains } from './conserver-chains.ts';
import { makeComponent, soundComponent } from './make-component.ts';
import { MemoryGuard } from './memory-guard.ts';

/** Receivers that are running, and the assembly behind them. */
export interface Receivers {
  /** Where what listens takes what it is sent. */
  readonly url: string | undefined;
  /** What to say of the receivers, a line each. */
  readonly lines: readonly string[];
  stats(): ReceiverStats;
  /** Has each take over those of its options that can change while it runs. */
  renew(loaded: LoadedConfig): void;
  /** Takes nothing more in; answers for what was taken. */
  close(): Promise<void>;
}

/** What arrived from outside so far, and how it stands. */
export interface ReceiverStats {
  /** Runs that are not over. */
  readonly openRuns: number;
  readonly spans: Readonly<Record<(typeof RECEIVER_OUTCOMES)['spans'][number], number>>;
  readonly records: Readonly<Record<(typeof RECEIVER_OUTCOMES)['records'][number], number>>;
  readonly issues: Readonly<Partial<Record<AssemblyIssue, number>>>;
  /** How it stands with each stream that is read, by the receiver's name. */
  readonly streams: Readonly<Record<string, StreamStats>>;
  /** The one of `redis_stream`. */
  readonly redisStream: StreamStats | undefined;
  /** What somebody should look at, in sentences. */
  readonly troubles: readonly string[];
}

export interface ReceiverParts {
  /** Where the events of runs go. */
  readonly events: EventSink;
  /** Are shown whole runs. */
  readonly observers: readonly RunObserver[];
  readonly journal: Journal;
  /** What the journal said last. */
  readonly state: () => EventLogState;
  readonly meterProvider: MeterProvider;
  readonly conserver: ConserverChains;
  /** Milliseconds that {@link Receivers.close} may take. */
  readonly closeTimeout: number;
  /** The configuration as it stands. */
  readonly current: () => LoadedConfig;
}

/** Shares of that time: of what listens, and of the assembly after it, so that some is left. */
const CLOSING = { receivers: 0.4, assembly: 0.4 };

/** Whether a configuration names anything that listens. */
export function hasReceivers(loaded: LoadedConfig): boolean {
  return !loaded.environment.disabled && receiversOf(loaded).length > 0;
}

/**
 * Starts what listens to a Python conserver: what comes in goes through assembly to the tracers.
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`, `FILE_UNUSABLE`
 */
export async function openReceivers(loaded: LoadedConfig, parts: ReceiverParts): Promise<Receivers> {
  const { config } = loaded;
  const { assembler: limits } = config.receivers;
  const { journal, state, conserver, meterProvider, events, observers, closeTimeout } = parts;
  const counts = new ReceiverCounts();
  const issues = new Issues<AssemblyIssue>('receivers', new ThrottledLog('vcon-otel/receivers'));
  const inbox = await journal.openInbox();
  const memory = new MemoryGuard();
  const settings = {
    inbox,
    events,
    observers,
    clock: systemClock,
    full: () => state().full || state().failing,
    tight: () => memory.isTight,
    crowded: () => memory.isCrowded,
    chains: configuredChains(parts.current, conserver),
    issues,
    settle: limits.settle,
    timeout: limits.timeout,
    hearsSpans: hearsSpans(config),
    maxRuns: limits.max_runs,
    endTimeout: CLOSING.assembly * closeTimeout,
    oldest: limits.oldest,
    ahead: limits.ahead,
  };
  const assembly = await withReceived((read) => Assembly.open({ ...settings, read }));
  memory.onTight(() => assembly.relieve());
  const receivers: OpenReceiver[] = [];
  const close = async () => {
    await Promise.all(receivers.map(({ receiver }) => receiver.close()));
    await assembly.stop();
    memory.close();
  };
  try {
    const host = {
      ...{ sink: assembly, counts, journal: journal.id, redisUrl: redisUrlOf(config.vcon_store) },
      closeTimeout: CLOSING.receivers * closeTimeout,
    };
    for (const named of receiversOf(loaded)) {
      const { definition, options } = await soundComponent(named);
      const receiver = await makeComponent(named.path, () => definition.create(options, host));
      receivers.push({ name: named.name, receiver, lines: definition.describe(options, receiver) });
    }
  } catch (error) {
    await close();
    throw error;
  }
  // From the start, so that the first issue is an increase.
  const issueCounts = () => ASSEMBLY_ISSUES.map((kind) => [kind, issues.of(kind)] as const);
  const streams = () =>
    Object.fromEntries(receivers.flatMap(({ name, receiver: { stats } }) => (stats ? [[name, stats]] : [])));
  const lag = () => sumOf(Object.values(streams()).map((stream) => stream.lag));
  const failing = () => {
    const all = Object.values(streams());
    return all.length > 0 ? all.some(isFailing) : undefined;
  };
  measureReceivers({ counts, issues: issueCounts, runs: () => assembly.runs, lag, failing }, meterProvider);
  return {
    url: receivers.find(({ receiver }) => receiver.url)?.receiver.url,
    lines: receivers.flatMap(({ lines }) => lines),
    stats: () => ({
      openRuns: assembly.runs,
      spans: counts.all('spans'),
      records: counts.all('records'),
      issues: issues.all(),
      streams: streams(),
      redisStream: streams().redis_stream,
      troubles: [
        ...(memory.isTight ? ['memory is tight: what arrives has to wait (503, or left in its stream)'] : []),
        ...receivers.flatMap(({ receiver }) => receiver.troubles?.() ?? []),
      ],
    }),
    renew({ config: { receivers: sections } }) {
      const given: Readonly<Record<string, unknown>> = sections;
      for (const { name, receiver } of receivers) receiver.renew?.(given[name] ?? {});
    },
    close,
  };
}

/** Whether spans are taken from outside, by any road. */
function hearsSpans({ receivers }: Config): boolean {
  const definitions: readonly [string, ReceiverDefinition][] = Object.entries(builtInReceivers);
  const configured: Readonly<Record<string, unknown>> = receivers;
  return definitions.some(([name, definition]) => definition.hearsSpans && configured[name] !== undefined);
}

/** Whether a stream cannot be read, though nobody else reads it in our place. */
export function isFailing({ failure }: StreamStats): boolean {
  return failure !== undefined && failure.code !== 'STREAM_IN_USE';
}

interface OpenReceiver {
  readonly name: string;
  readonly receiver: Receiver;
  readonly lines: readonly string[];
}

/** Undefined for nothing: there is no such value then. */
function sumOf(numbers: readonly number[]): number | undefined {
  return numbers.length > 0 ? numbers.reduce((sum, one) => sum + one) : undefined;
}
