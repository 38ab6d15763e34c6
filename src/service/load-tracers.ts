import type { Logger } from 'pino';
import { type Config, deliverySettings, type LoadedConfig } from '../config/load-config.ts';
import { isEnabled } from '../delivery/create-tracer.ts';
import { deliveryPolicy } from '../delivery/delivery-policy.ts';
import { VconOtelError } from '../model/error.ts';
import { PYTHON_CONCURRENCY, pythonTracer } from '../tracers/python.ts';
import { loadTracerModule, tracerFile } from './tracer-modules.ts';
import type { TracerEntry } from './tracer-span-processor-settings.ts';
import type { TracerThreads } from './tracer-threads.ts';

/**
 * The tracers that a configuration names; those that are enabled, loaded.
 * @throws VconOtelError `MODULE_NOT_FOUND`, `MODULE_INVALID`; `CONFIG_INVALID` where one must hear every run, and none will
 */
export async function loadTracers(
  { config, directory, environment }: LoadedConfig,
  log: Logger,
  threads: TracerThreads,
): Promise<TracerEntry[]> {
  const loaded = await Promise.all(
    Object.entries(config.tracers).map(([name, tracer]) => {
      if (!isEnabled(tracer)) log.info(`tracer ${name} is not enabled: it hears nothing`);
      return loadTracer(name, tracer, directory, threads);
    }),
  );
  if (environment.disabled) forgo(loaded.filter(isEnabled), log);
  return loaded;
}

/**
 * A tracer that a configuration names; loaded, if it is enabled.
 * @throws VconOtelError `MODULE_NOT_FOUND`, `MODULE_INVALID`, and as `TracerThreads.start`
 */
export async function loadTracer(
  name: string,
  { delivery, isolation, ...tracer }: Config['tracers'][string],
  directory: string,
  threads: TracerThreads,
): Promise<TracerEntry> {
  const enabled = isEnabled(tracer);
  const { module, options } = tracer;
  const entry: TracerEntry = {
    ...{ name, module, options, enabled },
    ...(delivery && { delivery: deliverySettings(delivery) }),
  };
  if (!enabled) return entry;
  // In a process of its own already.
  const { timeout, concurrency } = deliveryPolicy(name, entry.delivery ?? {});
  const hosted = await pythonTracer({ ...tracer, timeout }, `tracers.${name}.module`, directory);
  const atOnce = { concurrency: Math.min(concurrency, PYTHON_CONCURRENCY) };
  if (hosted) return { ...entry, module: hosted, delivery: { ...entry.delivery, ...atOnce } };
  const file = isolation === 'none' ? undefined : tracerFile(name, module, directory);
  return {
    ...entry,
    module: file ? await threads.start(entry, file) : await loadTracerModule(name, module, directory),
  };
}

/**
 * With `OTEL_SDK_DISABLED` no tracer hears anything, which some must not accept.
 * @throws VconOtelError `CONFIG_INVALID`
 */
function forgo(tracers: readonly TracerEntry[], log: Logger): void {
  const strict = tracers.find(({ options }) => options?.dlq_vcon_on_error === true);
  if (strict)
    throw new VconOtelError(
      'CONFIG_INVALID',
      `OTEL_SDK_DISABLED is set, but tracer ${strict.name} must hear every run (dlq_vcon_on_error)`,
      { path: 'OTEL_SDK_DISABLED' },
    );
  log.warn('OTEL_SDK_DISABLED is set: nothing is traced, and tracers hear nothing');
}
