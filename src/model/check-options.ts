import type { z } from 'zod';
import { errorType } from './error.ts';
import type { Fault } from './fault.ts';
import { explain, keysOf, unknownKey } from './options/explain.ts';

/** The options of a component, as far as they are right. */
export interface CheckedOptions {
  /** Defaults merged in; as they were given where something is wrong with them. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly faults: readonly Fault[];
}

/**
 * Checks the options of a module of somebody else's, without making it. No fault quotes a value.
 * @param schema none: nothing is checked
 * @param path of the options, e.g. `tracers.audit.options`
 */
export function checkOptions(
  schema: z.ZodType | undefined,
  options: Readonly<Record<string, unknown>>,
  path: string,
): CheckedOptions {
  if (!schema) return { options, faults: [] };
  try {
    const result = schema.safeParse(options);
    if (result.success) return { options: result.data as CheckedOptions['options'], faults: [] };
    const faults = result.error.issues.flatMap((issue) => faultsOf(issue, schema, options, path));
    return { options, faults };
  } catch (error) {
    return { options, faults: [{ path, message: `they cannot be checked (${errorType(error)})` }] };
  }
}

function faultsOf(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  options: Readonly<Record<string, unknown>>,
  path: string,
): Fault[] {
  const at = [path, ...issue.path.map(String)].join('.');
  if (issue.code !== 'unrecognized_keys') return [{ path: at, message: messageOf(issue, schema, options) }];
  // Only of the options themselves is it known which there are.
  const known = issue.path.length === 0 ? keysOf(schema) : [];
  const otherwise = known.length === 0 ? 'unknown option' : `unknown option; there are ${known.join(', ')}`;
  return issue.keys.map((key) => ({ path: `${at}.${key}`, message: unknownKey(key, known, otherwise) }));
}

function messageOf(issue: z.core.$ZodIssue, schema: z.ZodType, options: unknown): string {
  const said = explain({ ...issue, input: valueAt(options, issue.path) });
  return said === 'is required' ? `${said}${exampleAt(schema, issue.path)}` : said;
}

/** What a schema gives as an example of an option (`meta({ examples: ['…'] })`). */
function exampleAt(schema: z.ZodType, path: readonly PropertyKey[]): string {
  const option = valueAt(
    schema,
    path.flatMap((key) => ['shape', key]),
  ) as z.ZodType | undefined;
  const { examples } = option?.meta?.() ?? {};
  return Array.isArray(examples) && examples.length > 0 ? `, such as ${examples[0]}` : '';
}

function valueAt(options: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    options,
  );
}
