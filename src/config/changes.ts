import { formatPath } from './path.ts';
import type { Config } from './schema.ts';

/** A key whose value differs between two configurations. The values themselves may be secrets, and are not told. */
export interface ConfigChange {
  /** As keys are named in faults: `tracers.mine.options.path`. */
  readonly path: string;
  readonly is: 'added' | 'removed' | 'changed';
}

/** The keys by which two configurations differ; of what was added or removed as a whole, the one key. */
export function configChanges(before: Config, after: Config): ConfigChange[] {
  return differences(before, after, []);
}

/** Whether two values of a configuration are the same. */
export function isSame(before: unknown, after: unknown): boolean {
  return differences(before, after, []).length === 0;
}

function differences(before: unknown, after: unknown, path: readonly PropertyKey[]): ConfigChange[] {
  if (Object.is(before, after)) return [];
  const at = formatPath(path);
  if (before === undefined) return [{ path: at, is: 'added' }];
  if (after === undefined) return [{ path: at, is: 'removed' }];
  if (Array.isArray(before) && Array.isArray(after)) {
    const isEqual = before.length === after.length && before.every((item, i) => isSame(item, after[i]));
    return isEqual ? [] : [{ path: at, is: 'changed' }];
  }
  if (!isMapping(before) || !isMapping(after)) return [{ path: at, is: 'changed' }];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => differences(before[key], after[key], [...path, key]));
}

/** Modules given by code may be anything: those are the same only where they are one. */
function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
