import type { z } from 'zod';
import type { ExporterDefinition } from '../model/exporter.ts';

/**
 * An exporter that comes with the package. Its options are a section of the configuration under its own name, checked as
 * soon as the configuration is read, and variables of the environment may stand for them.
 */
export interface BuiltInExporter<Schema extends z.ZodObject = z.ZodObject>
  extends ExporterDefinition<Schema> {
  readonly options: Schema;
  /** Variables of the environment that it heeds, by name. */
  readonly variables?: Readonly<Record<string, ExporterVariable>>;
}

/** A variable of the environment. */
export interface ExporterVariable {
  /** Checks its text. */
  readonly schema: z.ZodType<unknown, string>;
  /** The option that it wins over, and with which it switches the exporter on. Without one, the variable is only checked. */
  readonly option?: string;
}

/** Types the definition of an exporter that comes with the package. */
export function defineBuiltInExporter<Schema extends z.ZodObject>(
  definition: BuiltInExporter<Schema>,
): BuiltInExporter<Schema> {
  return definition;
}
