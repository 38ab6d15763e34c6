import { dirname, resolve } from 'node:path';
import { asWritten } from './config/as-written.ts';
import { checkConfig } from './config/check.ts';
import {
  applyVariables,
  type Environment,
  environmentFrom,
  type OtlpUrls,
  otlpUrls,
} from './config/environment.ts';
import type { Fault } from './config/fault.ts';
import type { Env } from './config/interpolate.ts';
import { readText } from './config/read-text.ts';
import { redact } from './config/redact.ts';
import type { Config, ConfigInput } from './config/schema.ts';
import { isEmptySection } from './config/section.ts';
import { readVariables } from './config/variables.ts';
import { readYaml } from './config/yaml.ts';

export { deliverySettings } from './config/delivery.ts';
export type { BatchLimits, Environment, OtlpUrls, SamplerChoice } from './config/environment.ts';
export { ConfigError, type Fault } from './config/fault.ts';
export type { Env } from './config/interpolate.ts';
export { formatPath } from './config/path.ts';
export type { Config, ConfigInput } from './config/schema.ts';

/** A configuration that is ready to be started: whoever has it need not look at the environment. */
export interface LoadedConfig {
  /** What was written, defaults filled in, variables applied. */
  readonly config: Config;
  readonly otlp: OtlpUrls;
  readonly environment: Environment;
  /** Absolute: where a tracer's relative `module` path starts. */
  readonly directory: string;
  /** Paths of values that came from a file, or from an environment variable with the name of a secret. */
  readonly secretPaths: ReadonlySet<string>;
}

/**
 * Loads a YAML file, or the defaults where there is none, with its `${VARIABLES}` filled in and the `OTEL_*`
 * variables applied. The journal is by default a file (`sqlite`).
 * @throws ConfigError `CONFIG_UNREADABLE`, or `CONFIG_INVALID` with every fault; never quoting a value
 */
export async function loadConfig(file?: string, env: Env = process.env): Promise<LoadedConfig> {
  if (file === undefined) return parseConfig({ journal: JOURNAL_OF_A_FILE }, env);
  const { value, faults, secretPaths } = readYaml(await readText(file), env);
  return assemble(withJournal(value), env, { faults, secretPaths, directory: dirname(resolve(file)) });
}

/**
 * Checks a configuration given by code, and applies the `OTEL_*` variables. `${…}` in it is left as it is.
 * The journal is by default in memory.
 * @throws ConfigError `CONFIG_INVALID` with every fault
 */
export function parseConfig(input: ConfigInput, env: Env = process.env): LoadedConfig {
  return assemble(input, env, { faults: [], secretPaths: new Set(), directory: process.cwd() });
}

/** The configuration as it may be shown and, but for its secrets (`[redacted]`) and modules given by code (`[module]`), read in again. */
export function redactConfig({ config, secretPaths }: LoadedConfig): unknown {
  return redact(asWritten(config), secretPaths);
}

/**
 * Whether to write colours to a stream: no if `NO_COLOR` is set (no-color.org), else as `FORCE_COLOR` says
 * (`0` and `false` mean no), else if it is a terminal.
 */
export function colourFromEnvironment(stream: { readonly isTTY?: boolean }, env: Env = process.env): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return stream.isTTY === true;
}

/** Who writes a file wants a service, which must not forget; a program must not find files it never asked for. */
const JOURNAL_OF_A_FILE = { type: 'sqlite' } as const;

function withJournal(raw: unknown): unknown {
  if (raw === null) return { journal: JOURNAL_OF_A_FILE };
  const written = typeof raw === 'object' && !Array.isArray(raw);
  if (!written || ('journal' in raw && !isEmptySection(raw.journal))) return raw;
  return { ...raw, journal: JOURNAL_OF_A_FILE };
}

interface Origin {
  readonly faults: readonly Fault[];
  readonly secretPaths: ReadonlySet<string>;
  readonly directory: string;
}

function assemble(raw: unknown, env: Env, { faults, secretPaths, directory }: Origin): LoadedConfig {
  const { variables, faults: variableFaults } = readVariables(env);
  const config = applyVariables(checkConfig(raw, [...faults, ...variableFaults]), variables);
  return {
    config,
    otlp: otlpUrls(config, variables),
    environment: environmentFrom(variables),
    directory,
    secretPaths,
  };
}
