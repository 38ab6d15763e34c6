import { checkOptions } from '../bridge/create-tracer.ts';
import { type Config, formatPath } from '../config.ts';
import { errorType } from '../model/error.ts';
import { type Finding, fault, ok } from '../model/finding.ts';
import { checkTracer } from '../service/check-tracer.ts';
import { loadTracerModule } from '../service/tracer-modules.ts';
import type { Probes } from './probe.ts';

/** Whether each tracer can be loaded, likes its options, and finds what it depends on. */
export const tracerProbes: Probes = ({ config, directory }, timeout) =>
  Object.entries(config.tracers).map(([name, tracer]) => ({
    about: formatPath(['tracers', name]),
    look: () => lookAt(name, tracer, directory, timeout),
  }));

async function lookAt(
  name: string,
  tracer: Config['tracers'][string],
  directory: string,
  timeout: number,
): Promise<readonly Finding[]> {
  const faults = await checkTracer(name, tracer, directory);
  if (faults.length > 0) return faults.map(({ path, message }) => fault(`${path}: ${message}`));
  const module = await loadTracerModule(name, tracer.module, directory);
  const { options } = checkOptions({ name, module, options: tracer.options });
  if (!('create' in module) || !module.probe)
    return [ok('its module and options are right; it does not say what it depends on')];
  try {
    return await module.probe(options, { name, timeout });
  } catch (error) {
    // The error's own message may quote an option, which may be a secret.
    return [fault(`what it depends on could not be looked at (${errorType(error)})`)];
  }
}
