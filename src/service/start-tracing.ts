import type { ConfigInput } from '../config/load-config.ts';
import type { ServiceSettings, Tracing } from './tracing.ts';

/**
 * Starts tracing in this process: sampler, span processors, tracers, exporters and metrics, as the configuration
 * says (the same words as in the YAML file, docs/configuration.md; a tracer's `module` may also be an object).
 * `OTEL_*` variables win. Call it once, before the first chain; call `shutdown` before the process ends.
 * @throws VconOtelError, before anything is started: `CONFIG_INVALID`, `MODULE_NOT_FOUND`, `MODULE_INVALID`,
 * `OPTIONS_INVALID`, `TRACER_FAILED`, `ADDRESS_UNAVAILABLE`, `FILE_UNUSABLE`; `ALREADY_STARTED` if an OpenTelemetry SDK is
 * registered (add `TracerSpanProcessor` to that one instead)
 */
export async function startTracing(
  config: ConfigInput = {},
  settings: ServiceSettings = {},
): Promise<Tracing> {
  // Loaded only here: an application with an SDK of its own needs none of it.
  const [{ parseConfig }, { startService }] = await Promise.all([
    import('../config/load-config.ts'),
    import('./service.ts'),
  ]);
  return startService(parseConfig(config), settings);
}
