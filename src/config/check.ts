import { explain, faultsOf } from './explain.ts';
import { ConfigError, type Fault } from './fault.ts';
import { formatPath, isModulePath } from './path.ts';
import { Config } from './schema.ts';

/**
 * Checks a configuration that was read from a file or handed in by code.
 * @param found faults that are known already; of several faults with one path only the first is told
 * @throws ConfigError `CONFIG_INVALID` with every fault
 */
export function checkConfig(raw: unknown, found: readonly Fault[]): Config {
  const result = Config.safeParse(raw ?? {}, { error: explain });
  const issues = result.success ? [] : result.error.issues;
  const faults = new Map<string, Fault>();
  for (const fault of [
    ...found,
    ...refusedNames(raw, [], new WeakSet()),
    ...issues.flatMap(faultsOf),
    ...undefinedTracers(raw),
    ...(result.success ? receiverFaults(result.data) : []),
  ])
    if (!faults.has(fault.path)) faults.set(fault.path, fault);
  if (result.success && faults.size === 0) return result.data;
  throw new ConfigError('CONFIG_INVALID', [...faults.values()]);
}

const REFUSED_NAMES = new Set(['__proto__', 'constructor', 'prototype']);

/** The schema library drops `__proto__` silently, and whoever merges options by hand would be open to it. */
function refusedNames(value: unknown, path: readonly PropertyKey[], seen: WeakSet<object>): Fault[] {
  if (typeof value !== 'object' || value === null || seen.has(value) || isModulePath(path)) return [];
  seen.add(value);
  if (Array.isArray(value)) return value.flatMap((item, i) => refusedNames(item, [...path, i], seen));
  if (!isMapping(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const at = [...path, key];
    if (REFUSED_NAMES.has(key)) return [{ path: formatPath(at), message: 'this name is not allowed' }];
    return refusedNames(item, at, seen);
  });
}

/** Looked for in what was written, so that it is told even where the schema found something else. */
function undefinedTracers(raw: unknown): Fault[] {
  if (!isMapping(raw)) return [];
  const defined = raw.tracers ?? {};
  if (!isMapping(defined) || !isMapping(raw.chains)) return [];
  return Object.entries(raw.chains).flatMap(([chain, entry]) => {
    const heardBy = isMapping(entry) ? entry.tracers : undefined;
    if (!Array.isArray(heardBy)) return [];
    return heardBy.flatMap((name, i) =>
      typeof name !== 'string' || Object.hasOwn(defined, name)
        ? []
        : [{ path: formatPath(['chains', chain, 'tracers', i]), message: 'no such tracer under tracers' }],
    );
  });
}

/** What receivers need of the other sections. */
function receiverFaults({ receivers, journal, vcon_store: store }: Config): Fault[] {
  const { http, redis_stream: stream, assembler } = receivers;
  if (!http && !stream) return [];
  const faults: Fault[] = [];
  if (stream && stream.url === undefined && store.type !== 'redis')
    faults.push({ path: 'receivers.redis_stream.url', message: 'is required unless vcon_store is a Redis' });
  // After a restart, what was told of a run that goes on is told from its beginning.
  if (journal.type === 'sqlite' && journal.retention <= assembler.timeout)
    faults.push({
      path: 'journal.retention',
      message: 'must be longer than receivers.assembler.timeout: repeats are recognised by what is kept',
    });
  return faults;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
