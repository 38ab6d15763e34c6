import { z } from 'zod';
import type { Fault } from './fault.ts';
import { nearest } from './nearest.ts';
import { formatPath } from './path.ts';

/** Says what a schema issue is about without quoting the value, as the library's own messages may. */
export function explain(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownKeys(issue.keys, issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape) : []);
    case 'invalid_type':
      if (issue.input === undefined) return 'is required';
      return `expected ${NOUN[issue.expected] ?? issue.expected}, got ${nounFor(issue.input)}`;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'invalid_union':
      return oneOf('options' in issue && Array.isArray(issue.options) ? issue.options : []);
    case 'too_small':
      if (issue.origin === 'string') return 'must not be empty';
      return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    case 'invalid_key':
      return 'a name must not be empty';
    default:
      return 'is not valid';
  }
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

function unknownKeys(keys: readonly string[], known: readonly string[]): string {
  return keys
    .map((key) => {
      const meant = nearest(key, known);
      return meant === undefined ? 'unknown key' : `unknown key, did you mean \`${meant}\`?`;
    })
    .join(SEPARATOR);
}

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? `expected ${values[0]}` : `expected one of ${values.join(', ')}`;
}

const NOUN: Readonly<Record<string, string>> = {
  int: 'whole number',
  array: 'list',
  object: 'mapping',
  record: 'mapping',
};

function nounFor(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'no finite number';
  return NOUN[typeof value] ?? typeof value;
}
