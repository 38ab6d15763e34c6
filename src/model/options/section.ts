import { z } from 'zod';

/** A section of the configuration: a null one (everything in it commented out) counts as empty. */
export function section<Schema extends z.ZodType>(schema: Schema) {
  return emptyIfNull(schema, {} as z.input<Schema>);
}

/** The replacement for null, which is how YAML reads a key with nothing after it. */
export function emptyIfNull<Schema extends z.ZodType>(schema: Schema, empty: z.input<Schema>) {
  return z.preprocess((value: z.input<Schema> | null) => (value === null ? empty : value), schema);
}

/** Whether a section is missing or empty. */
export function isEmptySection(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0;
}
