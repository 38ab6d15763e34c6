import { existsSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { Command } from 'commander';
import { type LoadedConfig, loadConfig, parseConfig } from '../config/load-config.ts';
import type { TracerModule } from '../model/tracer.ts';
import { type MemoryVconStore, memoryVconStore } from '../vcon-store/index.ts';
import { restartOnChange } from './dev/restart-on-change.ts';
import { eventLine } from './event-line.ts';

/** What the command needs of the process it runs in. */
export interface DevSettings {
  readonly stdout: NodeJS.WritableStream;
  readonly colour: boolean;
  /** Lets the demo's vCons pass again and again, their documents in a store, until it is told to end. */
  readonly traffic: (store: MemoryVconStore, pause: number, signal: AbortSignal) => Promise<void>;
  /** Resolves with the name of the signal that asks the process to end. */
  readonly signal: () => Promise<string>;
  /** Sets the exit code of the process. */
  readonly exit: (code: number) => void;
}

/**
 * `vcon-otel dev [FILE]`: a configuration, or a tracer's file alone, with everything in this process: a journal in memory, the included
 * vCons again and again where the configuration listens to no server, and each event as it happens. Whenever a file beside them
 * changes it starts again.
 * @throws VconOtelError from its action, as `serve`
 */
export function devCommand(settings: DevSettings): Command {
  return new Command('dev')
    .description('run a configuration or a tracer on demo traffic, show events, start again on every change')
    .argument('[file]', `a configuration (default: ${DEFAULT_CONFIG}, if it is there), or a tracer's file`)
    .option('--no-watch', 'do not start again when a file changes')
    .action(async (file: string | undefined, { watch }: { watch: boolean }) => {
      const chosen = file ?? (existsSync(DEFAULT_CONFIG) ? DEFAULT_CONFIG : undefined);
      if (!watch) return dev(chosen, settings);
      settings.exit(await restartOnChange(chosen, settings));
    });
}

const DEFAULT_CONFIG = './vcon-otel.yaml';
/** Milliseconds between two vCons of the demo's. */
const PAUSE = 1_000;

async function dev(
  file: string | undefined,
  { stdout, colour, traffic, signal }: DevSettings,
): Promise<void> {
  const ending = new AbortController();
  void signal().then(() => ending.abort());
  const loaded = inMemory(await configOf(file));
  const shown: TracerModule = {
    trace: (_vconUuid, _event, _options, event) => void stdout.write(eventLine(event, colour)),
  };
  const { http, redis_stream: stream } = loaded.config.receivers;
  const listens = http !== undefined || stream !== undefined;
  const store = listens ? undefined : memoryVconStore({ maxVcons: 64 });
  const { startService } = await import('../service/service.ts');
  const tracing = await startService(withTracer(loaded, shown), store ? { vcons: store } : {});
  stdout.write(`${listens ? 'Listening to the server' : 'Demo traffic'}; Ctrl-C ends it.\n\n`);
  const alive = setInterval(() => undefined, 60_000);
  try {
    if (store) await traffic(store, PAUSE, ending.signal);
    else await new Promise((end) => ending.signal.addEventListener('abort', end));
  } finally {
    clearInterval(alive);
    await tracing.shutdown();
  }
}

async function configOf(file: string | undefined): Promise<LoadedConfig> {
  if (file === undefined) return parseConfig({ log_level: 'warn' });
  if (/^\.ya?ml$/.test(extname(file))) return loadConfig(file);
  const name = basename(file).replace(/\.\w+$/, '');
  // As `try` takes it: a file needs no `./`, another name is a package's, ours or Python's.
  const module = existsSync(file) ? resolve(file) : file;
  return parseConfig({ log_level: 'warn', tracers: { [name]: { module } } });
}

/** Nothing of a trial is kept, and the ports of health and metrics stay free for a service. */
function inMemory(loaded: LoadedConfig): LoadedConfig {
  const { journal } = parseConfig({ journal: { type: 'memory' } }).config;
  const { admin: _admin, health: _health, ...config } = loaded.config;
  // The events are shown already.
  const level = config.log_level === 'info' ? 'warn' : config.log_level;
  return { ...loaded, config: { ...config, journal, log_level: level } };
}

/** What shows events hears every chain, whichever tracers those name. */
function withTracer(loaded: LoadedConfig, module: TracerModule): LoadedConfig {
  const { tracers, chains } = loaded.config;
  const heard = Object.entries(chains).map(([name, chain]) => [
    name,
    chain.tracers ? { ...chain, tracers: [...chain.tracers, SHOWN] } : chain,
  ]);
  const config = {
    ...loaded.config,
    tracers: Object.assign(Object.create(null), tracers, { [SHOWN]: { module, options: {} } }),
    chains: Object.assign(Object.create(null), Object.fromEntries(heard)),
  };
  return { ...loaded, config };
}

const SHOWN = '(shown)';
