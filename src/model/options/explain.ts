import type { z } from 'zod';
import { nearest } from './nearest.ts';

/** What a schema found, and where: as the schema library has it, whichever version of it. */
interface Issue {
  readonly code?: string | undefined;
  /** The value that is not right. */
  readonly input?: unknown;
  readonly [detail: string]: unknown;
}

/**
 * Says what is expected: the kind of value, the allowed values, the limits or the form. Never quotes the value, as the
 * library's own messages may. A check of one's own says it by `params`: `expected`, which the sentence goes on with, `required`
 * where something is missing, or `fault`, a whole sentence.
 */
export function explain(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is required';
      return `expected ${noun(issue.expected)}, got ${nounFor(issue.input)}`;
    case 'invalid_value':
      return oneOf(listOf(issue.values));
    case 'invalid_union':
      return issue.input === undefined ? 'is required' : explainUnion(issue);
    case 'too_small':
      return explainLimit(issue, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
    case 'too_big':
      return explainLimit(issue, issue.inclusive === false ? 'less than' : 'at most', issue.maximum);
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return typeof issue.pattern === 'string' && issue.format === 'regex'
        ? `must match ${issue.pattern}`
        : `expected ${String(issue.format).replaceAll('_', ' ')}`;
    case 'invalid_key':
      return 'a name must not be empty';
    case 'custom':
      return explainCheck(issue.params);
    default:
      return 'is not valid';
  }
}

/**
 * What to say of a key that there is not.
 * @param otherwise where it looks like none that there is
 */
export function unknownKey(key: string, known: readonly string[], otherwise: string): string {
  const meant = nearest(key, known);
  return meant === undefined ? otherwise : `unknown key, did you mean \`${meant}\`?`;
}

/** What is expected where a value has to be one of a few. */
export function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? `expected ${values[0]}` : `expected one of ${values.join(', ')}`;
}

/** The keys that a schema knows; none where it is no object's. */
export function keysOf(schema: z.core.$ZodType | undefined): readonly string[] {
  const shape = schema && 'shape' in schema ? schema.shape : undefined;
  if (typeof shape === 'object' && shape !== null) return Object.keys(shape);
  // What is made of its value afterwards has the value's keys.
  const inner = (schema?._zod.def as { in?: z.core.$ZodType } | undefined)?.in;
  return inner ? keysOf(inner) : [];
}

function explainUnion(issue: Issue): string {
  const options = listOf(issue.options);
  if (options.length > 0) return oneOf(options);
  const errors = listOf(issue.errors).flatMap((branch) => listOf(branch) as Issue[]);
  const said = new Set(
    errors.flatMap(({ code, expected, values }) =>
      code === 'invalid_type' ? [noun(expected)] : code === 'invalid_value' ? listOf(values).map(String) : [],
    ),
  );
  return said.size === 0 ? 'is not valid' : `expected ${[...said].join(' or ')}`;
}

function explainLimit({ origin }: Issue, bound: string, limit: unknown): string {
  if (origin === 'string')
    return limit === 1 && bound === 'at least'
      ? 'must not be empty'
      : `must have ${bound} ${limit} characters`;
  if (origin === 'array' || origin === 'set') return `must have ${bound} ${limit} entries`;
  return `must be ${bound} ${limit}`;
}

function explainCheck(params: unknown): string {
  const { expected, required, fault } = (params ?? {}) as { readonly [key: string]: unknown };
  if (typeof fault === 'string') return fault;
  if (typeof required === 'string') return `is required: ${required}`;
  return typeof expected === 'string' ? `expected ${expected}` : 'is not valid';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

const NOUN: Readonly<Record<string, string>> = {
  int: 'whole number',
  array: 'list',
  object: 'mapping',
  record: 'mapping',
};

function noun(type: unknown): string {
  return NOUN[String(type)] ?? String(type);
}

function nounFor(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'no finite number';
  return noun(typeof value);
}
