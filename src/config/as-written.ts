import { z } from 'zod';
import { writingOf } from '../model/options/quantity.ts';
import { Config } from './schema.ts';

/** A configuration as it may be written and read in again: durations and sizes have their units. */
export function asWritten(config: Config): unknown {
  return written(Config, config);
}

/** By the schema, since the value alone does not say what it measures. */
function written(schema: z.core.$ZodType | undefined, value: unknown): unknown {
  const writing = schema && writingOf(schema);
  if (writing && typeof value === 'number') return writing(value);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return written(schema.unwrap(), value);
  if (schema instanceof z.ZodPipe)
    // What is done to a value before or after it is checked leaves its keys as they are.
    return written(schema.out instanceof z.ZodTransform ? schema.in : schema.out, value);
  if (typeof value !== 'object' || value === null) return value;
  if (schema instanceof z.ZodDiscriminatedUnion)
    return written(
      schema.options.find((option) => option._zod.propValues?.type?.has(Reflect.get(value, 'type'))),
      value,
    );
  if (schema instanceof z.ZodObject) {
    const { shape } = schema;
    return mapped(value, (key) => shape[key] ?? schema.def.catchall);
  }
  return schema instanceof z.ZodRecord ? mapped(value, () => schema.valueType) : value;
}

function mapped(value: object, schemaOf: (key: string) => z.core.$ZodType | undefined): object {
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, written(schemaOf(key), inner)] as const),
  );
}
