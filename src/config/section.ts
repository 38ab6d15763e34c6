import { z } from 'zod';

/** A section of the configuration: one that is null (everything in it commented out) is an empty one. */
export function section<Schema extends z.ZodType>(schema: Schema) {
  return emptyIfNull(schema, {} as z.input<Schema>);
}

/** What stands for null, which is how YAML reads a key with nothing behind it. */
export function emptyIfNull<Schema extends z.ZodType>(schema: Schema, empty: z.input<Schema>) {
  return z.preprocess((value: z.input<Schema> | null) => (value === null ? empty : value), schema);
}

/** Whether nothing is written in a section, if it is there at all. */
export function isEmptySection(value: unknown): boolean {
  return (
    value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)
  );
}
