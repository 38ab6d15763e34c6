import { diag } from '@opentelemetry/api';
import { type CheckedOptions, checkOptions } from '../model/check-options.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import { explain } from '../model/options/explain.ts';
import type {
  ConserverModule,
  Options,
  SpanTracer,
  TracerDefinition,
  TracerModule,
  TracerSettings,
} from '../model/tracer.ts';
import type { BoundTracer } from './bound-tracer.ts';
import { type DeliverySettings, deliveryPolicy } from './delivery-policy.ts';

/** A tracer that is to be made. */
export interface LoadedTracer {
  readonly name: string;
  readonly module: TracerModule;
  readonly options?: Options | undefined;
  /** False: it is as if it were not there. Its options may say so as well. Default: true. */
  readonly enabled?: boolean | undefined;
  /** How its events are delivered. */
  readonly delivery?: DeliverySettings | undefined;
}

/** Whether a tracer is to be made. */
export function isEnabled({ enabled = true, options }: Pick<LoadedTracer, 'enabled' | 'options'>): boolean {
  return enabled && options?.enabled !== false;
}

/** A tracer's options, as far as they are right. */
export interface CheckedTracerOptions extends CheckedOptions {
  readonly failClosed: boolean;
}

/**
 * Checks the options of a tracer without making it.
 * @throws VconOtelError `MODULE_INVALID`
 */
export function checkTracerOptions({ name, module, options: given }: LoadedTracer): CheckedTracerOptions {
  if (!isDefinition(module) && !isConserverModule(module))
    throw new VconOtelError(
      'MODULE_INVALID',
      `tracers.${name}.module: it exports neither a definition (defineTracer) nor the functions trace or run`,
      { path: `tracers.${name}.module` },
    );
  // Documented for every tracer, so no tracer has to list them among its own options.
  const { dlq_vcon_on_error: failClosed = false, enabled, ...own } = given ?? {};
  const path = `tracers.${name}.options`;
  const { options, faults } = isDefinition(module)
    ? checkOptions(module.options, own, path)
    : {
        options: { ...module.default_options, ...own, ...(enabled === undefined ? {} : { enabled }) },
        faults: [],
      };
  const flags = Object.entries({ dlq_vcon_on_error: failClosed, enabled: enabled ?? true });
  return {
    options,
    failClosed: failClosed === true,
    faults: [
      ...flags.flatMap(([flag, value]) =>
        typeof value === 'boolean'
          ? []
          : [
              {
                path: `${path}.${flag}`,
                message: explain({ code: 'invalid_type', expected: 'boolean', input: value }),
              },
            ],
      ),
      ...faults,
    ],
  };
}

/**
 * Makes a tracer. Options are checked against the tracer's own schema.
 * @returns a bound tracer, or the `SpanProcessor` that the tracer chose to be
 * @throws VconOtelError `MODULE_INVALID`, `OPTIONS_INVALID` naming every fault, `CONFIG_INVALID` for its `delivery`, or
 * `TRACER_FAILED` where `create` throws; a VconOtelError of its own goes on as it is
 */
export function createTracer(
  entry: LoadedTracer,
  settings: Omit<TracerSettings, 'name'>,
): BoundTracer | SpanTracer {
  const { name, module } = entry;
  const { options, failClosed, faults } = checkTracerOptions(entry);
  if (faults[0])
    throw new VconOtelError(
      'OPTIONS_INVALID',
      faults.map(({ path, message }) => `${path}: ${message}`).join('; '),
      { path: faults[0].path },
    );
  const remarks = isDefinition(module) ? (module.remarks?.(options) ?? []) : [];
  for (const remark of remarks) log.warn(`tracers.${name}: ${remark}`);
  const audit = isDefinition(module) && module.audit === true;
  const delivery = deliveryPolicy(name, entry.delivery ?? {}, { audit, failClosed });
  const tracer = isDefinition(module) ? create(module, options, { ...settings, name }) : module;
  if (isSpanProcessor(tracer)) {
    if (!failClosed) return tracer;
    const path = `tracers.${name}.options.dlq_vcon_on_error`;
    throw new VconOtelError('OPTIONS_INVALID', `${path}: no chain can wait for a span processor`, { path });
  }
  if (!isConserverModule(tracer))
    throw new VconOtelError(
      'MODULE_INVALID',
      `tracer ${name}: create() made neither a tracer nor a SpanProcessor`,
      {
        path: `tracers.${name}.module`,
      },
    );
  if (hasFunction(tracer, 'traceBatch') && !hasFunction(tracer, 'trace'))
    throw new VconOtelError(
      'MODULE_INVALID',
      `tracer ${name}: traceBatch needs trace beside it, for events that come alone`,
      { path: `tracers.${name}.module` },
    );
  return {
    name,
    tracer,
    options: Object.freeze(failClosed ? { ...options, dlq_vcon_on_error: true } : options),
    completion: !isDefinition(module) || module.completion !== false,
    failClosed,
    readsVcons: readsVcons(module, options),
    delivery,
  };
}

const log = diag.createComponentLogger({ namespace: 'vcon-otel/delivery' });

/** Whether a tracer says that it looks up documents in the vCon store. @param options checked */
export function readsVcons(module: TracerModule, options: Options): boolean {
  return isDefinition(module) && module.readsVcons?.(options) === true;
}

/**
 * Makes all tracers, or none: where one cannot be made, those made before it are shut down.
 * @throws VconOtelError as {@link createTracer}
 */
export function createTracers(
  entries: readonly LoadedTracer[],
  settings: Omit<TracerSettings, 'name'>,
): (BoundTracer | SpanTracer)[] {
  const made: (BoundTracer | SpanTracer)[] = [];
  try {
    for (const entry of entries) made.push(createTracer(entry, settings));
    return made;
  } catch (error) {
    for (const tracer of made) void end(tracer);
    throw error;
  }
}

/** Whether a tracer wants the spans themselves. */
export function isSpanProcessor(value: unknown): value is SpanTracer {
  return hasFunction(value, 'onStart') && hasFunction(value, 'onEnd');
}

/** The error's own message may quote an option, which may be a secret. */
function create(module: TracerDefinition, options: Options, settings: TracerSettings) {
  try {
    const made: unknown = module.create(options, settings);
    if (!(made instanceof Promise)) return made;
    // Whatever comes of it, it comes too late.
    made.catch(() => undefined);
    throw new VconOtelError('MODULE_INVALID', `tracers.${settings.name}.module: create() must not be async`, {
      path: `tracers.${settings.name}.module`,
    });
  } catch (cause) {
    if (cause instanceof VconOtelError) throw cause;
    const path = `tracers.${settings.name}`;
    throw new VconOtelError('TRACER_FAILED', `${path}: it could not be made: ${errorType(cause)}`, {
      path,
      cause,
    });
  }
}

/** Never rejects: what is told is why the start failed. */
async function end(tracer: BoundTracer | SpanTracer): Promise<void> {
  try {
    await (isSpanProcessor(tracer) ? tracer : tracer.tracer).shutdown?.();
  } catch {}
}

function isDefinition(module: TracerModule): module is TracerDefinition {
  return hasFunction(module, 'create');
}

function isConserverModule(value: unknown): value is ConserverModule {
  return hasFunction(value, 'trace') || hasFunction(value, 'run');
}

function hasFunction(value: unknown, key: string): boolean {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as Record<string, unknown>)[key] === 'function'
  );
}
