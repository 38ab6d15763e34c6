import type { z } from 'zod';
import type { Fault } from '../model/fault.ts';
import type { ReceiverDefinition } from '../receivers/receiver.ts';
import { builtInReceivers } from '../receivers/registry.ts';
import { explainIssue, faultsOf } from './explain.ts';
import { formatPath, isModulePath } from './path.ts';
import { redisUrlOf } from './redis-url.ts';
import { Config } from './schema.ts';

/** What is right of a configuration, and what is wrong with it. */
export interface CheckedConfig {
  /** Without what is wrong; undefined where nothing can be made of it. */
  readonly config: Config | undefined;
  readonly faults: readonly Fault[];
}

/**
 * Checks a configuration that was read from a file or handed in by code.
 * @param found faults that are known already; of several faults with one path only the first is told
 */
export function checkConfig(raw: unknown, found: readonly Fault[]): CheckedConfig {
  const result = Config.safeParse(raw ?? {}, { error: explainIssue });
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
  const config = result.success ? result.data : withoutFaults(raw, issues);
  return { config, faults: [...faults.values()] };
}

/** How often what was left is looked at again: a section that is taken away may be missed elsewhere. */
const ROUNDS = 8;

/** What is left of a configuration without its faulty parts, so that the others can be looked at all the same. */
function withoutFaults(raw: unknown, issues: readonly z.core.$ZodIssue[]): Config | undefined {
  let left = raw;
  let wrong = issues;
  for (let round = 0; round < ROUNDS; round += 1) {
    // What is not even there makes what it is missing in faulty.
    for (const { path, ...issue } of wrong)
      for (const at of issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path])
        left = without(left, round === 0 ? at : at.slice(0, -1));
    const result = Config.safeParse(left ?? {});
    if (result.success) return result.data;
    wrong = result.error.issues;
  }
  return undefined;
}

/** A copy without one key. */
function without(value: unknown, [key, ...rest]: readonly PropertyKey[]): unknown {
  if (key === undefined) return undefined;
  if (Array.isArray(value))
    return rest.length === 0
      ? value.filter((_, i) => i !== key)
      : value.map((item, i) => (i === key ? without(item, rest) : item));
  if (!isMapping(value)) return value;
  const { [key as string]: inner, ...others } = value;
  return rest.length === 0 || inner === undefined ? others : { ...value, [key]: without(inner, rest) };
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
function receiverFaults({ receivers, journal, vcon_store }: Config): Fault[] {
  const definitions: Readonly<Record<string, ReceiverDefinition>> = builtInReceivers;
  const { assembler, ...sections } = receivers;
  const surroundings = { redisUrl: redisUrlOf(vcon_store) };
  const listening = Object.entries(sections).filter(([, options]) => options !== undefined);
  if (listening.length === 0) return [];
  const faults = listening.flatMap(([name, options = {}]) =>
    (definitions[name]?.check?.(options, surroundings) ?? []).map(({ path, message }) => ({
      path: `receivers.${name}.${path}`,
      message,
    })),
  );
  // After a restart, what was told of a run that goes on is told from its beginning.
  if ('retention' in journal && journal.retention <= assembler.timeout)
    faults.push({
      path: 'journal.retention',
      message: 'must be longer than receivers.assembler.timeout: repeats are recognised by what is kept',
    });
  return faults;
}

/** Whether a value is a mapping as YAML or an object literal makes it. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
