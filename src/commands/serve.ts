import { Command } from 'commander';
import { type LoadedConfig, loadConfig } from '../config.ts';
import { type Readiness, startHealth } from '../health.ts';
import { errorType } from '../model/error.ts';
import { shownUrl } from '../model/shown-url.ts';
import type { ReceiverStats } from '../service/receivers.ts';
import { troubles } from '../service/troubles.ts';
import type { Tracing, TracingStats } from '../service.ts';

/** What the command needs of the process it runs in. */
export interface ServeSettings {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Resolves with the name of the signal that asks the process to end. */
  readonly signal: () => Promise<string>;
}

/**
 * `vcon-otel serve FILE`: runs everything a configuration names until SIGTERM or Ctrl-C, says on one screen what is
 * on and where, and ends with counts.
 * @throws VconOtelError from its action, as `startTracing`
 */
export function serveCommand(settings: ServeSettings): Command {
  return new Command('serve')
    .description('run the exporters and tracers of a configuration file')
    .argument('<file>', 'the YAML file')
    .action(async (file: string) => {
      await serve(await loadConfig(file), settings);
    });
}

async function serve(loaded: LoadedConfig, { stdout, stderr, signal }: ServeSettings): Promise<void> {
  const ending = signal();
  const began = performance.now();
  // A promise that a tracer made and nobody waits for must not end the service.
  process.on('unhandledRejection', (error) =>
    stderr.write(`vcon-otel: a tracer left a rejected promise behind (${errorType(error)})\n`),
  );
  // Loaded here, so that the other commands need not wait for the SDK.
  const { startService } = await import('../service.ts');
  const tracing = await startService(loaded);
  let ready = true;
  try {
    const health = await startHealth(loaded.config.health, () => readiness(tracing.stats(), ready));
    stdout.write(screen(loaded, tracing, health.url));
    const name = await ending;
    ready = false;
    stdout.write(`${name}: ending, tracers hear what is left\n`);
    await tracing.shutdown();
    await health.close();
  } finally {
    await tracing.shutdown();
  }
  stdout.write(farewell(tracing.stats(), (performance.now() - began) / 1e3));
}

function screen({ config, otlp }: LoadedConfig, tracing: Tracing, healthUrl: string): string {
  const { tracers, chains, exporters, journal } = config;
  const rows: [string, string[]][] = [
    ['service', [config.service_name]],
    [
      'tracers',
      Object.entries(tracers).map(([name, { module }]) =>
        typeof module === 'string' ? `${name} (${module})` : name,
      ),
    ],
    ['chains', Object.entries(chains).map(([name, chain]) => `${name}, heard by ${hearers(chain.tracers)}`)],
    ['receivers', receiverLines(config, tracing.receiverUrl)],
    ['vCon store', [config.vcon_store.type]],
    [
      'exporters',
      [
        ...(otlp.traces ? [`OTLP traces to ${shownUrl(otlp.traces)}`] : []),
        ...(otlp.metrics ? [`OTLP metrics to ${shownUrl(otlp.metrics)}`] : []),
        ...(exporters.otlp_file ? [`OTLP traces to the file ${exporters.otlp_file.path}`] : []),
        ...(tracing.prometheusUrl ? [`Prometheus on ${tracing.prometheusUrl}`] : []),
      ],
    ],
    ['journal', journalLines(journal)],
    ['health', [`${healthUrl}/healthz and /readyz`]],
  ];
  const lines = rows.flatMap(([title, values]) =>
    (values.length > 0 ? values : ['none']).map(
      (value, i) => `  ${(i === 0 ? title : '').padEnd(12)}${value}`,
    ),
  );
  return `vcon-otel is running\n\n${lines.join('\n')}\n\nCtrl-C or SIGTERM ends it.\n`;
}

function journalLines(journal: LoadedConfig['config']['journal']): string[] {
  const full = journal.on_full === 'block' ? 'feeders wait' : 'the slowest tracer loses its oldest';
  if (journal.type === 'memory')
    return [`in memory, ${journal.capacity.toLocaleString('en')} events for each tracer; when full, ${full}`];
  const hours = (journal.retention / 3_600_000).toLocaleString('en');
  const mebibytes = Math.round(journal.max_size / 2 ** 20).toLocaleString('en');
  return [journal.path, `heard events kept ${hours} h, at most ${mebibytes} MiB; when full, ${full}`];
}

function receiverLines({ receivers }: LoadedConfig['config'], url: string | undefined): string[] {
  const { redis_stream: stream } = receivers;
  return [
    ...(url ? [`${url}/v1/traces takes OTLP, ${url}/v1/bridge forwarded records`] : []),
    ...(stream ? [`Redis stream ${stream.stream}, as ${stream.consumer} of the group ${stream.group}`] : []),
  ];
}

function hearers(tracers: readonly string[] | undefined): string {
  if (tracers === undefined) return 'every tracer';
  return tracers.length > 0 ? tracers.join(', ') : 'no tracer';
}

/** Ready as long as events can be kept: a tracer that does not hear them is a trouble, and nobody's fault who asks. */
function readiness(stats: TracingStats, running: boolean): Readiness {
  const { events, openRuns, tracers, exporters, issues, journal, receivers } = stats;
  return {
    ready: running && !journal.failing && !journal.full,
    details: {
      troubles: troubles(stats),
      events,
      open_runs: openRuns,
      journal,
      ...(receivers && { receivers: receiverDetails(receivers) }),
      tracers: Object.fromEntries(
        Object.entries(tracers).map(([name, { oldestAge, deadLetters, ...counts }]) => [
          name,
          { ...counts, oldest_age: oldestAge, dead_letters: deadLetters },
        ]),
      ),
      exporters,
      issues,
    },
  };
}

function receiverDetails({ openRuns, spans, records, issues, redisStream }: ReceiverStats) {
  return {
    open_runs: openRuns,
    spans,
    records,
    issues,
    ...(redisStream && { redis_stream: { ...redisStream, failure: redisStream.failure?.message } }),
  };
}

function farewell({ events, tracers, exporters, issues, receivers }: TracingStats, seconds: number): string {
  const lines = [
    `ended after ${seconds.toFixed(1)} s: ${events} events heard`,
    ...Object.entries(tracers).map(
      ([name, { ok, failed, dead, dropped, pending }]) =>
        `  ${name}: ${[
          `${ok} delivered`,
          `${failed} refused`,
          `${dead} dead`,
          `${dropped} dropped`,
          ...(pending > 0 ? [`${pending} kept for the next start`] : []),
        ].join(', ')}`,
    ),
    ...(receivers ? arrivals(receivers) : []),
    ...Object.entries(exporters).map(
      ([name, { exported, failed, dropped }]) =>
        `  ${name}: ${exported} spans exported, ${failed + dropped} lost`,
    ),
    ...Object.entries(issues).map(([kind, count]) => `  bridge: ${kind.replaceAll('_', ' ')} ${count} times`),
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
