import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import {
  type Config,
  type ConfigChange,
  ConfigError,
  type ConfigReading,
  configChanges,
  formatPath,
  isSame,
  type LoadedConfig,
} from '../config/load-config.ts';
import type { BoundTracer } from '../delivery/bound-tracer.ts';
import { isEnabled } from '../delivery/create-tracer.ts';
import { reasonOf } from '../delivery/tracer-workers.ts';
import { sayFault } from '../model/fault.ts';
import type { ReceiverDefinition } from '../receivers/receiver.ts';
import { builtInReceivers } from '../receivers/registry.ts';
import type { Admin } from './admin.ts';
import { bridgedChains } from './bridged-chains.ts';
import { completedLine } from './completed-line.ts';
import { configFaults } from './config-faults.ts';
import type { ConserverChains } from './conserver-chains.ts';
import { loadTracer } from './load-tracers.ts';
import { sendDiagnosticsTo } from './log.ts';
import type { Receivers } from './receivers.ts';
import type { TracerDelivery } from './tracer-delivery.ts';
import type { TracerThreads } from './tracer-threads.ts';

/** What became of a configuration that was read again. */
export type Reloaded =
  | { readonly is: 'unchanged' }
  | { readonly is: 'applied'; readonly changes: readonly ConfigChange[] }
  /**
   * Nothing of it is applied: it is not valid, changes what needs a restart, or a tracer could not be made. `broken`: nor could the one
   * before it be made again, so that the service must end.
   */
  | {
      readonly is: 'refused';
      readonly why: 'invalid' | 'restart' | 'failed' | 'broken';
      readonly reasons: readonly string[];
    };

/** The parts of a service that can be changed while it runs. */
export interface ReloadParts {
  /** The configuration as it stands. */
  readonly current: { loaded: LoadedConfig };
  readonly log: Logger;
  readonly delivery: TracerDelivery;
  readonly threads: TracerThreads;
  readonly conserver: ConserverChains;
  readonly admin: Pick<Admin, 'renew'>;
  readonly receivers: Pick<Receivers, 'renew'> | undefined;
  /** Tracers that hear every chain, whatever its list of tracers says. */
  readonly always: readonly string[];
}

/** Milliseconds between two tries to make a tracer again that was to be changed, and how often that is tried. */
const PAUSE = 1_000;
const TRIES = 5;

//  read ─► valid? ─► what changes? ─► tracers rest ─► others are made ─► exchange, all at once
//                                                          └─ cannot be made: those before are made again

/**
 * Reads configurations again for a service that runs, one after the other, each as a whole or not at all. Events that come meanwhile wait for
 * the tracers that are changed, and are heard by the others.
 * @returns what does it; never rejects
 */
export function reloading(parts: ReloadParts): (read: () => Promise<ConfigReading>) => Promise<Reloaded> {
  let last: Promise<unknown> = Promise.resolve();
  return (read) => {
    const result = last.then(async () => {
      const reloaded = await reload(parts, read);
      sayAll(parts, reloaded);
      return reloaded;
    });
    last = result;
    return result;
  };
}

async function reload(parts: ReloadParts, read: () => Promise<ConfigReading>): Promise<Reloaded> {
  const { current } = parts;
  const reading = await read().catch((error): ConfigReading => {
    if (error instanceof ConfigError) return { loaded: undefined, faults: error.faults };
    return { loaded: undefined, faults: [{ path: formatPath([]), message: reasonOf(error) }] };
  });
  const changes = reading.loaded ? configChanges(current.loaded.config, reading.loaded.config) : [];
  if (reading.loaded && reading.faults.length === 0 && changes.length === 0) return { is: 'unchanged' };
  const faults = await configFaults(reading);
  const { loaded } = reading;
  if (!loaded || faults.length > 0) return refused('invalid', faults.map(sayFault));
  const fixed = changes.filter(({ path }) => !isLive(path));
  const spans = withoutWorker(parts, loaded);
  if (fixed.length + spans.length > 0)
    return refused('restart', [...fixed.map(({ path }) => path), ...spans].map(needsRestart));
  return apply(parts, loaded, changes);
}

function refused(why: Extract<Reloaded, { is: 'refused' }>['why'], reasons: readonly string[]): Reloaded {
  return { is: 'refused', why, reasons };
}

function needsRestart(path: string): string {
  return `${path}: needs a restart`;
}

/** What can be changed while a service runs, with all below it. */
const LIVE: readonly string[] = [
  ...['tracers', 'chains', 'log_level', 'conserver_config', 'admin.token', 'health.token'],
  ...Object.entries(builtInReceivers as Readonly<Record<string, ReceiverDefinition>>).flatMap(
    ([name, { live = [] }]) => live.map((option) => `receivers.${name}.${option}`),
  ),
];

function isLive(path: string): boolean {
  return LIVE.some((key) => path === key || path.startsWith(`${key}.`) || path.startsWith(`${key}[`));
}

type Tracers = ReadonlyMap<string, Config['tracers'][string]>;

function enabledIn({ config }: LoadedConfig): Tracers {
  return new Map(Object.entries(config.tracers).filter(([, tracer]) => isEnabled(tracer)));
}

/** Tracers of one configuration that another lacks, or has otherwise. */
function othersThan(tracers: Tracers, others: Tracers): string[] {
  return [...tracers].flatMap(([name, tracer]) => (isSame(tracer, others.get(name)) ? [] : [name]));
}

/** Keys of tracers that are to change and take spans themselves: the SDK has them for good. */
function withoutWorker({ current, delivery }: ReloadParts, next: LoadedConfig): string[] {
  const known = new Set(delivery.workers.map(({ name }) => name));
  return othersThan(enabledIn(current.loaded), enabledIn(next))
    .filter((name) => !known.has(name))
    .map((name) => formatPath(['tracers', name]));
}

async function apply(
  parts: ReloadParts,
  next: LoadedConfig,
  changes: readonly ConfigChange[],
): Promise<Reloaded> {
  const { current, delivery, threads, conserver, admin, receivers, always } = parts;
  const before = current.loaded;
  const rested = othersThan(enabledIn(before), enabledIn(next));
  const entering = othersThan(enabledIn(next), enabledIn(before));
  await delivery.rest(rested);
  let made: BoundTracer[];
  try {
    made = await makeAll(parts, entering, next);
  } catch (error) {
    const isBack = await putBack(parts, rested, before);
    return refused(isBack ? 'failed' : 'broken', [reasonOf(error)]);
  }
  const { chains } = bridgedChains(next, conserver, always);
  await conserver.look(next.config.conserver_config);
  // From here on nothing can fail.
  current.loaded = next;
  receivers?.renew(next);
  admin.renew(next);
  await delivery.exchange(rested, made, chains);
  for (const name of rested) if (!entering.includes(name)) await threads.drop(name);
  return { is: 'applied', changes };
}

/** @throws VconOtelError as `loadTracer` and `TracerDelivery.make`: then none is made */
async function makeAll(
  { delivery, threads }: ReloadParts,
  names: readonly string[],
  { config, directory }: LoadedConfig,
): Promise<BoundTracer[]> {
  try {
    const loads = names.flatMap((name) => {
      const tracer = config.tracers[name];
      return tracer ? [loadTracer(name, tracer, directory, threads)] : [];
    });
    // All have come to their ends before any is dropped.
    await Promise.allSettled(loads);
    return delivery.make(await Promise.all(loads));
  } catch (error) {
    await Promise.all(names.map((name) => threads.drop(name)));
    throw error;
  }
}

/** Makes tracers again that rest, as they were. @returns whether they hear again */
async function putBack(
  parts: ReloadParts,
  rested: readonly string[],
  before: LoadedConfig,
): Promise<boolean> {
  const { delivery, conserver, always } = parts;
  for (let tries = 1; ; tries += 1)
    try {
      const made = await makeAll(parts, rested, before);
      await delivery.exchange(rested, made, bridgedChains(before, conserver, always).chains);
      return true;
    } catch {
      if (tries === TRIES) return false;
      await setTimeout(PAUSE);
    }
}

/** At the more talkative of both levels, where that is what has changed; from then on at the new one. */
function sayAll({ log, current, delivery }: ReloadParts, reloaded: Reloaded): void {
  const { log_level: level, tracers } = current.loaded.config;
  const { values } = log.levels;
  if ((values[level] ?? 0) < (values[log.level] ?? 0)) log.level = level;
  tell(log, reloaded);
  if (reloaded.is !== 'applied') return;
  log.level = level;
  sendDiagnosticsTo(log);
  delivery.completed = completedLine(log, tracers);
}

/** Says what has become of it, by keys: values may be secrets. */
function tell(log: Logger, reloaded: Reloaded): void {
  if (reloaded.is === 'unchanged') log.info('the configuration was read again: nothing has changed');
  else if (reloaded.is === 'applied')
    for (const { path, is } of reloaded.changes)
      log.info({ key: path }, `the configuration was read again: ${path} was ${is}`);
  else {
    for (const reason of reloaded.reasons)
      log.error(`the configuration was read again, and is not applied: ${reason}`);
    if (reloaded.why === 'broken')
      log.error('a tracer could be neither changed nor made again as it was: the service ends');
  }
}
