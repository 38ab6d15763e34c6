import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import { VconOtelError } from '../model/error.ts';
import type {
  ConserverModule,
  ConserverTracer,
  Options,
  TracerDefinition,
  TracerModule,
  TracerSettings,
} from '../model/tracer.ts';

/** A tracer as it is asked for: the same three words as in the configuration. */
export interface TracerEntry {
  readonly name: string;
  readonly module: TracerModule;
  readonly options?: Options | undefined;
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
}

/**
 * Checks the options of a tracer without making it.
 * @returns the options, defaults merged in, and whether `dlq_vcon_on_error` is set
 * @throws VconOtelError `MODULE_INVALID`, or `OPTIONS_INVALID` with the path of the first offending option
 */
export function checkTracer(entry: TracerEntry): { options: Options; failClosed: boolean } {
  const { name, module } = entry;
  if (!isDefinition(module) && !isConserverModule(module))
    throw new VconOtelError(
      'MODULE_INVALID',
      `tracer ${name}: its module exports neither a definition (defineTracer) nor trace or run`,
      { path: `tracers.${name}.module` },
    );
  // Documented for every tracer, so no tracer has to list it among its own options.
  const { dlq_vcon_on_error: failClosed = false, ...own } = entry.options ?? {};
  if (typeof failClosed !== 'boolean')
    throw invalidOption(name, ['dlq_vcon_on_error'], `expected boolean, got ${typeof failClosed}`);
  const options = isDefinition(module)
    ? parseOptions(name, module, own)
    : { ...module.default_options, ...own };
  return { options, failClosed };
}

/**
 * Makes a tracer. Options are checked against the tracer's own schema.
 * @returns a bound tracer, or the `SpanProcessor` that the tracer chose to be
 * @throws VconOtelError as {@link checkTracer}, and whatever the tracer's `create` throws
 */
export function createTracer(
  entry: TracerEntry,
  settings: Omit<TracerSettings, 'name'>,
): BoundTracer | SpanProcessor {
  const { name, module } = entry;
  const { options, failClosed } = checkTracer(entry);
  const tracer = isDefinition(module) ? module.create(options, { ...settings, name }) : module;
  if (isSpanProcessor(tracer)) return tracer;
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
  };
}

/** Whether a tracer wants the spans themselves. */
export function isSpanProcessor(value: unknown): value is SpanProcessor {
  return hasFunction(value, 'onStart') && hasFunction(value, 'onEnd');
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

function parseOptions(name: string, { options: schema }: TracerDefinition, own: Options): Options {
  if (!schema) return own;
  const result = schema.safeParse(own);
  if (result.success) return result.data as Options;
  const issue = result.error.issues[0];
  throw invalidOption(name, issue?.path ?? [], issue ? describe(issue) : 'invalid');
}

// Zod's own messages can quote the value, which may be a secret.
function describe(issue: { code: string; keys?: unknown; expected?: unknown }): string {
  if (issue.code === 'unrecognized_keys' && Array.isArray(issue.keys))
    return `unknown option ${issue.keys.join(', ')}`;
  if (issue.code === 'invalid_type' && typeof issue.expected === 'string')
    return `expected ${issue.expected}`;
  return issue.code.replaceAll('_', ' ');
}

function invalidOption(name: string, path: readonly PropertyKey[], message: string): VconOtelError {
  const key = ['tracers', name, 'options', ...path.map(String)].join('.');
  return new VconOtelError('OPTIONS_INVALID', `${key}: ${message}`, { path: key });
}
