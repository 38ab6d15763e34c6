import { Command } from 'commander';
import { ConfigError, type ConfigReading, type LoadedConfig, readConfig } from '../config/load-config.ts';
import { type ErrorCode, errorType, VconOtelError } from '../model/error.ts';
import { vconStoreOf } from '../service/components.ts';
import { configFaults } from '../service/config-faults.ts';
import { leanHeap } from '../service/lean-heap.ts';
import type { ReceiverStats } from '../service/receivers.ts';
import type { Service, TracingStats } from '../service/tracing.ts';

/** What the command needs of the process it runs in. */
export interface ServeSettings {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Resolves with the name of the signal that asks the process to end. */
  readonly signal: () => Promise<string>;
  /** Has it told of each SIGHUP from now on, which then does not end the process. */
  readonly hangup: (told: () => void) => void;
  /** Sets the exit code of the process. */
  readonly exit: (code: number) => void;
}

/**
 * `vcon-otel serve FILE`: runs everything a configuration names until SIGTERM or Ctrl-C, says on one screen what is
 * on and where, and ends with counts. At SIGHUP it reads the file again.
 * @throws VconOtelError from its action, as `startTracing`
 */
export function serveCommand(settings: ServeSettings): Command {
  return new Command('serve')
    .description('run the exporters and tracers of a configuration file')
    .argument('<file>', 'the YAML file')
    .action(async (file: string) => {
      // What comes during the start is done after it.
      const again = new Reminder();
      settings.hangup(() => again.come());
      const reading = await readConfig(file);
      const { loaded, faults } = reading;
      if (!loaded || faults.length > 0) throw new ConfigError('CONFIG_INVALID', await configFaults(reading));
      await serve(loaded, file, again, settings).catch(async (error: unknown) => {
        throw (await allOfIt(reading, error)) ?? error;
      });
    });
}

/**
 * Everything that is wrong, where a start has met with the first of it: also with the modules that a configuration names. They are loaded
 * here for that, so not before a start, which has each in a thread of its own.
 */
async function allOfIt(reading: ConfigReading, error: unknown): Promise<ConfigError | undefined> {
  if (!(error instanceof VconOtelError && FAULTY.has(error.code))) return undefined;
  const faults = await configFaults(reading);
  return faults.length > 0 ? new ConfigError('CONFIG_INVALID', faults) : undefined;
}

const FAULTY: ReadonlySet<string> = new Set<ErrorCode>([
  'CONFIG_INVALID',
  'MODULE_INVALID',
  'MODULE_NOT_FOUND',
]);

async function serve(
  loaded: LoadedConfig,
  file: string,
  again: Reminder,
  { stdout, stderr, signal, exit }: ServeSettings,
): Promise<void> {
  const ending = signal();
  const began = performance.now();
  // A promise that a tracer made and nobody waits for must not end the service.
  process.on('unhandledRejection', (error) =>
    stderr.write(`vcon-otel: a tracer left a rejected promise behind (${errorType(error)})\n`),
  );
  const fault = firstUncaught(stderr);
  leanHeap();
  // Loaded here, so that the other commands need not wait for the SDK.
  const { startService } = await import('../service/service.ts');
  const started = await inTime(startService(loaded, { health: true }), ending, loaded);
  if (typeof started === 'string') {
    stdout.write(`${started}: ended before the start did; what was kept is heard after the next one\n`);
    return;
  }
  const tracing = started;
  // Nothing that was started keeps the process alive.
  const alive = setInterval(() => undefined, MAX_INTERVAL);
  try {
    stdout.write(screenOf(loaded, tracing));
    const reason = await Promise.race([ending, fault, rereading(again, file, tracing)]);
    stdout.write(`${reason}: ending, tracers hear what is left\n`);
    if (reason === FAULT || reason === BROKEN) exit(1);
  } finally {
    await tracing.shutdown();
    clearInterval(alive);
  }
  stdout.write(farewell(tracing.stats(), tracing.undone(), (performance.now() - began) / 1e3));
  if (tracing.undone().length > 0) exit(1);
}

/**
 * A service, once it has started; or why it has to end, where it is told to and the start goes on for too long after that. All that it
 * has kept is on the disk: the process can end at any moment.
 */
async function inTime(start: Promise<Service>, ending: Promise<string>, { config }: LoadedConfig) {
  let timer: NodeJS.Timeout | undefined;
  const late = ending.then(
    (reason) =>
      new Promise<string>((resolve) => {
        timer = setTimeout(resolve, config.shutdown_timeout * START_SHARE, reason);
      }),
  );
  // Of what comes of it after that nobody will hear.
  start.catch(() => undefined);
  return Promise.race([start, late]).finally(() => clearTimeout(timer));
}

/** Of the time for the whole shutdown, for a start that is under way: the rest has its time after it. */
const START_SHARE = 0.15;

/** Reads the configuration again whenever that is asked for. Resolves when the service must end, because it could neither go on as it was. */
async function rereading(again: Reminder, file: string, { reload }: Service): Promise<string> {
  for (;;) {
    await again.next();
    const reloaded = await reload(() => readConfig(file));
    if (reloaded.is === 'refused' && reloaded.why === 'broken') return BROKEN;
  }
}

const BROKEN = 'a tracer that cannot be made again';

/** Something to be done once more, whether it was asked for once or often meanwhile. */
class Reminder {
  #wake: (() => void) | undefined;
  #isDue = false;

  come(): void {
    this.#isDue = true;
    this.#wake?.();
  }

  async next(): Promise<void> {
    if (!this.#isDue)
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    this.#isDue = false;
  }
}

const FAULT = 'an error that nobody caught';

/** Resolves at the first error that nobody caught: what it leaves behind is unknown, so the service ends, in order. Nothing but its type is told. */
function firstUncaught(stderr: NodeJS.WritableStream): Promise<typeof FAULT> {
  return new Promise((resolve) =>
    process.on('uncaughtException', (error) => {
      stderr.write(`vcon-otel: ${FAULT} (${errorType(error)})\n`);
      resolve(FAULT);
    }),
  );
}

/** Milliseconds; a longer one would fire at once. */
const MAX_INTERVAL = 2_147_483_647;

function screenOf(loaded: LoadedConfig, tracing: Service): string {
  const { config } = loaded;
  const { tracers, chains, conserver_config: conserver } = config;
  const { adminUrl, healthUrl, lines } = tracing;
  const rows: [title: string, values: readonly string[]][] = [
    ['service', [config.service_name]],
    [
      'tracers',
      Object.entries(tracers).map(([name, { module }]) =>
        typeof module === 'string' ? `${name} (${module})` : name,
      ),
    ],
    [
      'chains',
      [
        ...Object.entries(chains).map(([name, chain]) => `${name}, heard by ${hearers(chain.tracers)}`),
        ...(conserver === undefined ? [] : [`those of ${conserver}`]),
      ],
    ],
    ['receivers', lines.receivers],
    ['vCon store', [vconStoreOf(loaded).title]],
    ['exporters', lines.exporters],
    ['journal', lines.journal],
    ...(healthUrl ? [row('health', `${healthUrl}/healthz and /readyz`)] : []),
    ...(adminUrl && config.admin?.page ? [row('page', adminUrl)] : []),
    ...(adminUrl ? [row('admin', `${adminUrl}/healthz, /readyz and /metrics`)] : []),
  ];
  const screen = rows.flatMap(([title, values]) =>
    (values.length > 0 ? values : ['none']).map(
      (value, i) => `  ${(i === 0 ? title : '').padEnd(12)}${value}`,
    ),
  );
  return `vcon-otel is running\n\n${screen.join('\n')}\n\nCtrl-C or SIGTERM ends it.\n`;
}

function row(title: string, value: string): [string, readonly string[]] {
  return [title, [value]];
}

function hearers(tracers: readonly string[] | undefined): string {
  if (tracers === undefined) return 'every tracer';
  return tracers.length > 0 ? tracers.join(', ') : 'no tracer';
}

function farewell(
  { events, tracers, exporters, issues, receivers }: TracingStats,
  undone: readonly string[],
  seconds: number,
): string {
  const lines = [
    `ended after ${seconds.toFixed(1)} s: ${events} events heard`,
    ...Object.entries(tracers).map(
      ([name, { ok, dead, dropped, pending }]) =>
        `  ${name}: ${[
          `${ok} delivered`,
          `${dead} dead`,
          `${dropped} dropped`,
          ...(pending > 0 ? [`${pending} kept for the next start`] : []),
        ].join(', ')}`,
    ),
    ...(receivers ? arrivals(receivers) : []),
    ...Object.entries(exporters).map(
      ([name, { exported, failed, dropped, pending }]) =>
        `  ${name}: ${[
          `${exported} spans exported`,
          `${failed + dropped} lost`,
          ...(pending > 0 ? [`${pending} kept for the next start`] : []),
        ].join(', ')}`,
    ),
    ...Object.entries(issues).map(([kind, count]) => `  bridge: ${kind.replaceAll('_', ' ')} ${count} times`),
    ...(undone.length > 0 ? [`  not ended in time, and left behind: ${undone.join(', ')}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function arrivals({ spans, records, openRuns, issues }: ReceiverStats): string[] {
  return [
    `  received: ${spans.accepted} spans (${spans.ignored} others ignored, ${spans.rejected} rejected), ${records.accepted} records (${records.rejected + records.set_aside} set aside, ${records.lost} lost)`,
    ...(openRuns > 0 ? [`  received: ${openRuns} runs are not over, and kept for the next start`] : []),
    ...Object.entries(issues).map(
      ([kind, count]) => `  received: ${kind.replaceAll('_', ' ')} ${count} times`,
    ),
  ];
}
