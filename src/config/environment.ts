import type { Config } from './schema.ts';
import type { Variables, VariablesReading } from './variables.ts';

/** Which spans exporters get (`OTEL_TRACES_SAMPLER`). Tracers hear every run whatever it says. */
export type SamplerChoice = {
  /** Whether a span with a parent follows the parent's decision. */
  readonly parentBased: boolean;
} & (
  | { readonly root: 'always_on' | 'always_off' }
  | {
      readonly root: 'traceidratio';
      /** Share of traces kept, 0 to 1. */
      readonly ratio: number;
    }
);

/** `OTEL_BSP_*`, under the names that `BatchSpanProcessor` has for them; sizes in spans. */
export interface BatchLimits {
  readonly maxQueueSize?: number;
  readonly maxExportBatchSize?: number;
  readonly scheduledDelayMillis?: number;
  readonly exportTimeoutMillis?: number;
}

/** What `OTEL_*` variables say that no key of the configuration can. */
export interface Environment {
  /** `OTEL_SDK_DISABLED`. */
  readonly disabled: boolean;
  readonly sampler?: SamplerChoice;
  readonly batch: BatchLimits;
  readonly metricExportIntervalMillis?: number;
  /** Names of all the variables that were heard. */
  readonly variables: readonly string[];
}

/** Lets variables win over the configuration where it has a key for them. */
export function applyVariables(config: Config, { variables, exporters }: VariablesReading): Config {
  const named = [...exporters].filter(([, options]) => Object.keys(options).length > 0);
  return {
    ...config,
    service_name: variables.OTEL_SERVICE_NAME ?? config.service_name,
    log_level: variables.OTEL_LOG_LEVEL ?? config.log_level,
    exporters: {
      ...config.exporters,
      ...Object.fromEntries(
        named.map(([name, options]) => [name, { ...config.exporters[name], ...options }] as const),
      ),
    },
  };
}

/** What the variables say beyond the configuration. */
export function environmentFrom({ variables, heard }: VariablesReading): Environment {
  const {
    OTEL_BSP_MAX_QUEUE_SIZE: maxQueueSize,
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: maxExportBatchSize,
    OTEL_BSP_SCHEDULE_DELAY: scheduledDelayMillis,
    OTEL_BSP_EXPORT_TIMEOUT: exportTimeoutMillis,
    OTEL_METRIC_EXPORT_INTERVAL: metricExportIntervalMillis,
  } = variables;
  const sampler = samplerFrom(variables);
  return {
    disabled: variables.OTEL_SDK_DISABLED === 'true',
    ...(sampler && { sampler }),
    batch: {
      ...(maxQueueSize && { maxQueueSize }),
      ...(maxExportBatchSize && { maxExportBatchSize }),
      ...(scheduledDelayMillis && { scheduledDelayMillis }),
      ...(exportTimeoutMillis && { exportTimeoutMillis }),
    },
    ...(metricExportIntervalMillis && { metricExportIntervalMillis }),
    variables: heard,
  };
}

function samplerFrom({
  OTEL_TRACES_SAMPLER: name,
  OTEL_TRACES_SAMPLER_ARG: argument = '1',
}: Variables): SamplerChoice | undefined {
  switch (name) {
    case undefined:
      return undefined;
    case 'always_on':
    case 'always_off':
      return { root: name, parentBased: false };
    case 'parentbased_always_on':
      return { root: 'always_on', parentBased: true };
    case 'parentbased_always_off':
      return { root: 'always_off', parentBased: true };
    case 'traceidratio':
    case 'parentbased_traceidratio':
      return { root: 'traceidratio', ratio: Number(argument), parentBased: name !== 'traceidratio' };
  }
}
