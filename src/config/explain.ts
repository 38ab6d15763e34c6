import type { z } from 'zod';
import type { Fault } from '../model/fault.ts';
import { explain as explainOne, keysOf, unknownKey } from '../model/options/explain.ts';
import { formatPath } from './path.ts';

/** Says what a schema issue is about without quoting the value, as the library's own messages may. */
export function explainIssue(issue: z.core.$ZodRawIssue): string {
  if (issue.code === 'unrecognized_keys')
    return unknownKeys(issue.keys, keysOf(issue.inst as z.core.$ZodType | undefined));
  // A name of the user's own choice that is none: see openSections.
  if (issue.code === 'custom' && Array.isArray(issue.params?.known))
    return unknownKeys([String(issue.path?.at(-1))], issue.params.known, issue.params.otherwise);
  return explainOne({ ...issue });
}

/** The faults of one issue: one, or one for each unknown key. */
export function faultsOf({ path, message, ...issue }: z.core.$ZodIssue): Fault[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: formatPath(path), message }];
  const messages = message.split(SEPARATOR);
  return issue.keys.map((key, i) => ({
    path: formatPath([...path, key]),
    message: messages[i] ?? 'unknown key',
  }));
}

// One issue has one message, whatever the number of its keys; it is taken apart again by faultsOf.
const SEPARATOR = '\n';

function unknownKeys(keys: readonly string[], known: readonly string[], otherwise = 'unknown key'): string {
  return keys.map((key) => unknownKey(key, known, otherwise)).join(SEPARATOR);
}
