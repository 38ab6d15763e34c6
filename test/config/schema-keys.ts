import { z } from 'zod';
import { Config } from '../../src/config/schema.ts';

/** Every key that a configuration can have, as docs/configuration.md writes it: `tracers.<name>.module`. */
export function schemaKeys(): Set<string> {
  const keys = new Set<string>();
  collect(z.toJSONSchema(Config, { io: 'input', unrepresentable: 'any' }), '', keys);
  return keys;
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

function collect(schema: JsonSchema, path: string, keys: Set<string>): void {
  const options = schema.oneOf ?? [];
  const properties = Object.entries(schema.properties ?? {});
  for (const option of options) collect(asSchema(option), path, keys);
  for (const [key, child] of properties) collect(asSchema(child), path === '' ? key : `${path}.${key}`, keys);
  const named = asSchema(schema.additionalProperties).type === 'object';
  if (named) collect(asSchema(schema.additionalProperties), `${path}.<name>`, keys);
  if (options.length === 0 && properties.length === 0 && !named) keys.add(path);
}

function asSchema(schema: boolean | JsonSchema | undefined): JsonSchema {
  return typeof schema === 'object' ? schema : {};
}
