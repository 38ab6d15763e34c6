import { z } from 'zod';
import { builtInTracers } from '../tracers/registry.ts';
import { Config } from './schema.ts';

/** A JSON Schema, as far as one is looked into here. */
type JsonSchema = Record<string, unknown>;

/**
 * The configuration file as JSON Schema (2020-12), for editors: keys, values, and the options of the tracers that come with the package. It
 * is made of the schema that checks the file, so it knows no more; `validate` knows more.
 */
export function configJsonSchema(): JsonSchema {
  const schema = written(Config);
  const properties = schema.properties as Record<string, JsonSchema>;
  const tracer = (properties.tracers?.anyOf as JsonSchema[] | undefined)?.[0]
    ?.additionalProperties as JsonSchema;
  const shape = ((tracer.anyOf as JsonSchema[])[0] ?? tracer) as { properties: Record<string, JsonSchema> };
  shape.properties.module = {
    type: 'string',
    description: 'a tracer of the package, a file, an installed package, or python:MODULE',
  };
  Object.assign(shape, {
    allOf: [...builtInTracers].map(([module, { options }]) =>
      Object.fromEntries([
        ['if', { properties: { module: { const: module } }, required: ['module'] }],
        ['then', { properties: { options: options ? ofTracer(written(options)) : {} } }],
      ]),
    ),
  });
  return { ...schema, title: 'vcon-otel configuration' };
}

/** With what every tracer takes. */
function ofTracer(options: JsonSchema): JsonSchema {
  const flag = { anyOf: [{ type: 'boolean' }, VARIABLE] };
  const properties = { ...(options.properties as JsonSchema), dlq_vcon_on_error: flag, enabled: flag };
  return orNull(withoutId({ ...options, properties }));
}

/** A schema as its input is written in YAML. */
function written(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      if (def.type === 'pipe') {
        const { in: from, out } = def as unknown as { in: z.ZodType; out: z.ZodType };
        // What is made of the text beforehand (a null section is an empty one) is nothing that a schema says; what comes of it is.
        if (from.def.type === 'transform') replace(jsonSchema, orNull(withoutId(written(out))));
      }
      if (jsonSchema.oneOf) replace(jsonSchema, { anyOf: alternatives(jsonSchema.oneOf as JsonSchema[]) });
      if (isMoreThanText(jsonSchema)) replace(jsonSchema, { anyOf: [{ ...jsonSchema }, VARIABLE] });
    },
  }) as JsonSchema;
}

/** The alternatives of a section that says its `type`: one without anything is the usual one, and a `module` needs no type. */
function alternatives(sections: readonly JsonSchema[]): JsonSchema[] {
  const ours = sections.map(({ required = [], ...section }) => {
    const { module } = section.properties as JsonSchema;
    return { ...section, required: module ? ['module'] : required };
  });
  return [...ours, { type: 'object', maxProperties: 0 }];
}

/** Whether a schema asks for what a text with a variable in it is not yet. */
function isMoreThanText(schema: JsonSchema): boolean {
  return (
    ['number', 'integer', 'boolean'].includes(String(schema.type)) ||
    ['enum', 'const', 'format', 'pattern', 'maxLength'].some((key) => schema[key] !== undefined) ||
    Number(schema.minLength) > 1
  );
}

/** A value that a variable brings. */
const VARIABLE = { type: 'string', pattern: '\\$\\{' };

function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] };
}

function withoutId({ $schema: _, ...schema }: JsonSchema): JsonSchema {
  return schema;
}

function replace(target: object, by: JsonSchema): void {
  for (const key of Object.keys(target)) delete (target as JsonSchema)[key];
  Object.assign(target, by);
}
