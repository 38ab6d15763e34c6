import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import type { z } from 'zod';
import { errorType, VconOtelError } from '../model/error.ts';
import type {
  ConserverModule,
  ConserverTracer,
  Options,
  TracerDefinition,
  TracerModule,
  TracerSettings,
} from '../model/tracer.ts';
import { type DeliveryPolicy, type DeliverySettings, deliveryPolicy } from './delivery-policy.ts';

/** A tracer as it is asked for: the same three words as in the configuration. */
export interface TracerEntry {
  readonly name: string;
  readonly module: TracerModule;
  readonly options?: Options | undefined;
  /** How its events are delivered. */
  readonly delivery?: DeliverySettings | undefined;
}

/** A tracer that is ready to be called. */
export interface BoundTracer {
  readonly name: string;
  readonly tracer: ConserverTracer;
  /** Its options, defaults merged in; frozen. */
  readonly options: Options;
  /** Whether it is called at chain completion. */
  readonly completion: boolean;
  /** `dlq_vcon_on_error`: the chain runner waits for this tracer, and its failure fails the chain. */
  readonly failClosed: boolean;
  readonly delivery: DeliveryPolicy;
}

/** Something wrong with an option. */
export interface OptionFault {
  /** From the configuration's root, e.g. `tracers.audit.options.log_file`. */
  readonly path: string;
  readonly message: string;
}

/** A tracer's options, as far as they are right. */
export interface CheckedOptions {
  /** Defaults merged in. */
  readonly options: Options;
  readonly failClosed: boolean;
  readonly faults: readonly OptionFault[];
}

/**
 * Checks the options of a tracer without making it.
 * @throws VconOtelError `MODULE_INVALID`
 */
export function checkOptions({ name, module, options: given = {} }: TracerEntry): CheckedOptions {
  if (!isDefinition(module) && !isConserverModule(module))
    throw new VconOtelError(
      'MODULE_INVALID',
      `tracers.${name}.module: it exports neither a definition (defineTracer) nor the functions trace or run`,
      { path: `tracers.${name}.module` },
    );
  // Documented for every tracer, so no tracer has to list it among its own options.
  const { dlq_vcon_on_error: failClosed = false, ...own } = given;
  const at = (path: readonly PropertyKey[], message: string): OptionFault => ({
    path: ['tracers', name, 'options', ...path.map(String)].join('.'),
    message,
  });
  const strict = failClosed === true;
  const faults = typeof failClosed === 'boolean' ? [] : [at(['dlq_vcon_on_error'], 'expected boolean')];
  if (!isDefinition(module))
    return { options: { ...module.default_options, ...own }, failClosed: strict, faults };
  if (!module.options) return { options: own, failClosed: strict, faults };
  try {
    const result = module.options.safeParse(own);
    if (result.success) return { options: result.data as Options, failClosed: strict, faults };
    faults.push(...result.error.issues.map((issue) => at(issue.path, describe(issue))));
  } catch (error) {
    faults.push(at([], `they cannot be checked (${errorType(error)})`));
  }
  return { options: own, failClosed: strict, faults };
}

/**
 * Makes a tracer. Options are checked against the tracer's own schema.
 * @returns a bound tracer, or the `SpanProcessor` that the tracer chose to be
 * @throws VconOtelError `MODULE_INVALID`, `OPTIONS_INVALID` naming every fault, `CONFIG_INVALID` for its `delivery`, or
 * `TRACER_FAILED` where `create` throws; a VconOtelError of its own goes on as it is
 */
export function createTracer(
  entry: TracerEntry,
  settings: Omit<TracerSettings, 'name'>,
): BoundTracer | SpanProcessor {
  const { name, module } = entry;
  const { options, failClosed, faults } = checkOptions(entry);
  if (faults[0])
    throw new VconOtelError(
      'OPTIONS_INVALID',
      faults.map(({ path, message }) => `${path}: ${message}`).join('; '),
      { path: faults[0].path },
    );
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
  return {
    name,
    tracer,
    options: Object.freeze(failClosed ? { ...options, dlq_vcon_on_error: true } : options),
    completion: !isDefinition(module) || module.completion !== false,
    failClosed,
    delivery,
  };
}

/**
 * Makes all tracers, or none: where one cannot be made, those made before it are shut down.
 * @throws VconOtelError as {@link createTracer}
 */
export function createTracers(
  entries: readonly TracerEntry[],
  settings: Omit<TracerSettings, 'name'>,
): (BoundTracer | SpanProcessor)[] {
  const made: (BoundTracer | SpanProcessor)[] = [];
  try {
    for (const entry of entries) made.push(createTracer(entry, settings));
    return made;
  } catch (error) {
    for (const tracer of made) void end(tracer);
    throw error;
  }
}

/** Whether a tracer wants the spans themselves. */
export function isSpanProcessor(value: unknown): value is SpanProcessor {
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
async function end(tracer: BoundTracer | SpanProcessor): Promise<void> {
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

// Zod's own messages can quote the value, which may be a secret.
function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `unknown option ${issue.keys.join(', ')}`;
  if (issue.code === 'invalid_type') return `expected ${issue.expected}`;
  // A tracer's own check says here, and only here, what may be told.
  if (issue.code === 'custom' && typeof issue.params?.expected === 'string')
    return `expected ${issue.params.expected}`;
  return issue.code.replaceAll('_', ' ');
}
