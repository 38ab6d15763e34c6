import { dirname, resolve } from 'node:path';
import { DEFAULT_JOURNAL_OF_A_FILE } from '../journal/registry.ts';
import type { Fault } from '../model/fault.ts';
import { isEmptySection } from '../model/options/section.ts';
import { asWritten } from './as-written.ts';
import { checkConfig, isMapping } from './check.ts';
import { ConfigError } from './config-error.ts';
import { conserverStore } from './conserver-store.ts';
import { applyVariables, type Environment, environmentFrom } from './environment.ts';
import type { Env } from './interpolate.ts';
import type { PlaceOf } from './places.ts';
import { readConfigText } from './read-text.ts';
import { withoutSecrets } from './redact.ts';
import { type Config, type ConfigInput, DEFAULT_HEALTH } from './schema.ts';
import { readVariables } from './variables.ts';
import { readYaml } from './yaml.ts';

export { type ConfigChange, configChanges, isSame } from './changes.ts';
export type { ModuleSection } from './component-sections.ts';
export { ConfigError } from './config-error.ts';
export { deliverySettings } from './delivery.ts';
export type { BatchLimits, Environment, SamplerChoice } from './environment.ts';
export type { Env } from './interpolate.ts';
export { formatPath } from './path.ts';
export { redisUrlOf } from './redis-url.ts';
export type { Config, ConfigInput } from './schema.ts';

/** A configuration that is ready to be started: whoever has it need not look at the environment. */
export interface LoadedConfig {
  /** What was written, defaults filled in, variables applied. */
  readonly config: Config;
  readonly environment: Environment;
  /** Absolute: where the relative path of a `module` starts. */
  readonly directory: string;
  /** Paths of values that came from a file, or from an environment variable with the name of a secret. */
  readonly secretPaths: ReadonlySet<string>;
  /** Where in the file a key stands. */
  readonly placeOf: PlaceOf;
}

/** A configuration that was read, with what is wrong in it. */
export interface ConfigReading {
  /** Without its faulty parts; undefined where nothing can be made of it. */
  readonly loaded: LoadedConfig | undefined;
  readonly faults: readonly Fault[];
}

/**
 * Loads a YAML file, or the defaults where there is none, with its `${VARIABLES}` filled in and the `OTEL_*`
 * variables applied. The journal is by default a file (`sqlite`), and the vCon store the conserver's Redis where that is known.
 * @throws ConfigError `CONFIG_UNREADABLE`, or `CONFIG_INVALID` with every fault; never quoting a value
 */
export async function loadConfig(file?: string, env: Env = process.env): Promise<LoadedConfig> {
  if (file === undefined) return parseConfig({ journal: JOURNAL_OF_A_FILE }, env);
  return whole(await readConfig(file, env));
}

/**
 * As {@link loadConfig}, but what is wrong is told beside what is right.
 * @throws ConfigError `CONFIG_UNREADABLE`, and `CONFIG_INVALID` where it is not even YAML
 */
export async function readConfig(file: string, env: Env = process.env): Promise<ConfigReading> {
  const { value, faults, secretPaths, placeOf } = readYaml(await readConfigText(file), env);
  const store = conserverStore(value, env);
  const written = withDefaults(value, {
    journal: JOURNAL_OF_A_FILE,
    ...(store.redis && { vcon_store: store.redis }),
  });
  const { loaded, faults: all } = assemble(written, env, {
    faults: [...faults, ...store.faults],
    secretPaths,
    directory: dirname(resolve(file)),
    placeOf,
  });
  const heard = ({ environment, ...others }: LoadedConfig): LoadedConfig => ({
    ...others,
    environment: { ...environment, variables: [...environment.variables, ...store.heard] },
  });
  return { loaded: loaded && heard(loaded), faults: located(all, placeOf) };
}

/** Says of faults where they stand. */
export function located(faults: readonly Fault[], placeOf: PlaceOf): Fault[] {
  return faults.map((fault) => {
    const place = placeOf(fault.path);
    return place === undefined ? fault : { ...fault, place };
  });
}

/** @throws ConfigError `CONFIG_INVALID` with every fault */
function whole({ loaded, faults }: ConfigReading): LoadedConfig {
  if (loaded && faults.length === 0) return loaded;
  throw new ConfigError('CONFIG_INVALID', faults);
}

/**
 * Checks a configuration given by code, and applies the `OTEL_*` variables. `${…}` in it is left as it is.
 * The journal is by default in memory.
 * @throws ConfigError `CONFIG_INVALID` with every fault
 */
export function parseConfig(input: ConfigInput, env: Env = process.env): LoadedConfig {
  const placeOf = () => undefined;
  return whole(
    assemble(input, env, { faults: [], secretPaths: new Set(), directory: process.cwd(), placeOf }),
  );
}

/** The configuration as it may be shown and, but for its secrets (`[redacted]`) and modules given by code (`[module]`), read in again. */
export function redactConfig({ config, secretPaths }: LoadedConfig): unknown {
  return withoutSecrets(asWritten(config), secretPaths);
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

const JOURNAL_OF_A_FILE = { type: DEFAULT_JOURNAL_OF_A_FILE } as const;

/** Sections that a file has by default, where it says nothing else. */
function withDefaults(raw: unknown, sections: Readonly<Record<string, unknown>>): unknown {
  if (raw === null) return sections;
  if (!isMapping(raw)) return raw;
  const missing = Object.entries(sections).filter(([name]) => isEmptySection(raw[name]));
  return { ...raw, ...Object.fromEntries(missing) };
}

interface Origin {
  readonly faults: readonly Fault[];
  readonly secretPaths: ReadonlySet<string>;
  readonly directory: string;
  readonly placeOf: PlaceOf;
}

function assemble(raw: unknown, env: Env, { faults: found, ...origin }: Origin): ConfigReading {
  const reading = readVariables(env);
  const { config: checked, faults } = checkConfig(raw, [...found, ...reading.faults]);
  if (!checked) return { loaded: undefined, faults };
  // Where there is an admin server, the health of the service is there.
  const health = checked.health ?? (checked.admin ? undefined : DEFAULT_HEALTH);
  const loaded = {
    config: applyVariables({ ...checked, ...(health && { health }) }, reading),
    environment: environmentFrom(reading),
    ...origin,
  };
  return { loaded, faults };
}
