import { z } from 'zod';
import type { BuiltInExporter } from '../exporters/built-in-exporter.ts';
import { builtInExporters } from '../exporters/registry.ts';
import type { Fault } from '../model/fault.ts';
import type { Env } from './interpolate.ts';
import type { Config } from './schema.ts';

/** The environment variables that were heard, checked but not yet applied. */
export interface VariablesReading {
  readonly variables: Variables;
  /** What they say about exporters that come with the package: options by the exporter's name. */
  readonly exporters: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** The names of all that were heard. */
  readonly heard: readonly string[];
  /** Each names its variable. */
  readonly faults: readonly Fault[];
}

/**
 * Reads the variables of the OpenTelemetry specification (SDK environment variables, OTLP exporter) that
 * this package applies itself. An empty one counts as unset. The specification has bad values ignored with
 * a warning; here they are faults, as everything is before start.
 */
export function readVariables(env: Env): VariablesReading {
  const set: Record<string, string> = {};
  for (const name of VARIABLE_NAMES) {
    const value = Object.hasOwn(env, name) ? env[name]?.trim() : undefined;
    if (value) set[name] = value;
  }
  const own = Variables.safeParse(set);
  const ofExporters = ExporterVariables.safeParse(set);
  const issues = [own, ofExporters].flatMap(({ error }) => error?.issues ?? []);
  const faults = issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  return {
    variables: own.data ?? {},
    exporters: exporterOptions(ofExporters.data ?? {}),
    heard: Object.keys(set),
    faults: [...faults, ...ratioFaults(set)],
  };
}

/** The largest delay that a Node timer keeps; a larger one fires at once. */
const MAX_WHOLE = 2_147_483_647;
const WHOLE = `expected a whole number from 1 to ${MAX_WHOLE}`;
const whole = z.string().transform(Number).pipe(z.int(WHOLE).min(1, WHOLE).max(MAX_WHOLE, WHOLE));

/** The levels of OpenTelemetry JS in our own; there is none for silence. */
const LEVELS: Readonly<Record<string, Config['log_level']>> = {
  all: 'trace',
  verbose: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  none: 'error',
};
const level = z
  .string()
  .toLowerCase()
  .pipe(z.enum(Object.keys(LEVELS), { error: `expected one of ${Object.keys(LEVELS).join(', ')}` }))
  .transform((name) => LEVELS[name]);

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

const Variables = z
  .object({
    OTEL_SERVICE_NAME: z.string(),
    OTEL_LOG_LEVEL: level,
    OTEL_SDK_DISABLED: z
      .string()
      .toLowerCase()
      .pipe(z.enum(['true', 'false'], { error: 'expected true or false' })),
    OTEL_TRACES_SAMPLER: z.enum(SAMPLERS, { error: `expected one of ${SAMPLERS.join(', ')}` }),
    OTEL_TRACES_SAMPLER_ARG: z.string(),
    OTEL_BSP_MAX_QUEUE_SIZE: whole,
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: whole,
    OTEL_BSP_SCHEDULE_DELAY: whole,
    OTEL_BSP_EXPORT_TIMEOUT: whole,
    OTEL_METRIC_EXPORT_INTERVAL: whole,
  })
  .partial();

/** The variables that are set, typed. */
export type Variables = z.output<typeof Variables>;

const EXPORTERS: readonly (readonly [name: string, exporter: BuiltInExporter])[] =
  Object.entries(builtInExporters);

const ExporterVariables = z
  .object(
    Object.fromEntries(
      EXPORTERS.flatMap(([, { variables = {} }]) =>
        Object.entries(variables).map(([name, { schema }]) => [name, schema]),
      ),
    ),
  )
  .partial();

/** The names of the variables that are read. */
export const VARIABLE_NAMES: readonly string[] = [
  ...Object.keys(Variables.shape),
  ...Object.keys(ExporterVariables.shape),
];

function exporterOptions(values: Readonly<Record<string, unknown>>): VariablesReading['exporters'] {
  return new Map(
    EXPORTERS.map(([exporter, { variables = {} }]) => [
      exporter,
      Object.fromEntries(
        Object.entries(variables).flatMap(([name, { option }]) =>
          option !== undefined && values[name] !== undefined ? [[option, values[name]]] : [],
        ),
      ),
    ]),
  );
}

/** The argument means something to the ratio samplers only. */
function ratioFaults(set: Readonly<Record<string, string>>): Fault[] {
  const { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: argument } = set;
  if (!sampler?.endsWith('traceidratio') || argument === undefined) return [];
  const ratio = Number(argument);
  if (ratio >= 0 && ratio <= 1) return [];
  return [{ path: 'OTEL_TRACES_SAMPLER_ARG', message: 'expected a number from 0 to 1' }];
}
