import { resolve } from 'node:path';
import { plainErrorType, VconOtelError } from '../model/error.ts';
import { defineTracer, type Options, type TracerDefinition } from '../model/tracer.ts';
import { HostProcess, type PythonModule, type Said } from './python/host-process.ts';
import { type Functions, HostedTracer } from './python/hosted-tracer.ts';

/** How a configuration names a module of Python's: `python:tracers.my_tracer`. */
const PREFIX = 'python:';

/** What a configuration says of a tracer in Python. */
export interface PythonTracerSettings {
  readonly module: unknown;
  readonly python?: string | undefined;
  readonly pythonpath?: string | readonly string[] | undefined;
  readonly options?: Options | undefined;
  /** Milliseconds that a call may take. Default 30,000, as `delivery.timeout`. */
  readonly timeout?: number | undefined;
}

/** Calls that the host makes at once (THREADS in vcon_otel_host.py): any more would wait there, and their time would pass. */
export const PYTHON_CONCURRENCY = 16;

/**
 * A tracer module of the conserver's, hosted as it is in a process of Python (`trace`, `run` and `default_options`, as documented).
 * @param path of the key that names the module, for errors
 * @param directory where relative paths start, and where modules are looked for at last
 * @returns undefined if the module is not Python's
 * @throws VconOtelError `MODULE_INVALID` where Python cannot be started, or the module not imported, or it has neither function
 */
export async function pythonTracer(
  { module, python = 'python3', pythonpath = [], options = {}, timeout = 30_000 }: PythonTracerSettings,
  path: string,
  directory: string,
): Promise<TracerDefinition | undefined> {
  if (typeof module !== 'string' || !module.startsWith(PREFIX)) return undefined;
  const hosted: PythonModule = {
    module: module.slice(PREFIX.length),
    python: python.includes('/') ? resolve(directory, python) : python,
    paths: [...[pythonpath].flat().map((folder) => resolve(directory, folder)), directory],
  };
  const said = await describe(hosted);
  const functions: Functions = { trace: said.trace === true, run: said.run === true };
  if (!functions.trace && !functions.run)
    throw new VconOtelError('MODULE_INVALID', `${path}: ${whyNot(said, hosted)}`, { path });
  // Documented tracers look at this one themselves.
  const { dlq_vcon_on_error } = options;
  const own = dlq_vcon_on_error === undefined ? {} : { dlq_vcon_on_error };
  return defineTracer({
    // Python declares none, so all are passed on.
    create: (opts, { name }) =>
      new HostedTracer(hosted, name, { ...(opts as Options), ...own }, timeout).tracer(functions),
  });
}

/** Milliseconds that an import may take. */
const IMPORT_TIMEOUT = 30_000;

type Described = Said & { readonly reason?: string };

function describe(module: PythonModule): Promise<Described> {
  return new Promise((settle) => {
    let said: Said = {};
    const timer = setTimeout(() => host.kill(), IMPORT_TIMEOUT);
    const host = new HostProcess(
      module,
      {
        said: (line) => {
          said = { ...said, ...line };
        },
        printed: () => undefined,
        ended: (reason) => {
          clearTimeout(timer);
          // What it has said may still be on its way.
          setImmediate(() => settle({ ...said, reason }));
        },
      },
      ['--describe'],
    );
  });
}

function whyNot({ failed, missing, trace, reason }: Described, { module, python }: PythonModule): string {
  const named = typeof missing === 'string' && /^[\w.]{1,200}$/.test(missing) ? `: ${missing}` : '';
  if (failed !== undefined)
    return `Python could not import ${module} (${plainErrorType(failed)}${named}); pythonpath says where modules are, python which Python has what they need`;
  if (trace !== undefined) return `${module} has neither the function trace nor run`;
  return `${python} could not be started, or did not import ${module} (${reason})`;
}
