import type { z } from 'zod';
import type { ModuleSection } from '../config/load-config.ts';
import { checkOptions } from '../model/check-options.ts';
import type { Component } from '../model/component.ts';
import { VconOtelError } from '../model/error.ts';
import type { Fault } from '../model/fault.ts';
import { loadModule } from './modules.ts';

/** A component that a configuration names, before it is made. */
export interface NamedComponent<Definition> {
  /** Its key in the configuration: `exporters.otlp`. */
  readonly path: string;
  /** Its name in the configuration, or the type that the configuration chose. */
  readonly name: string;
  /** What it is called where it is shown: its name, or the module that was named instead. */
  readonly title: string;
  /** What follows for others from how it is configured, a sentence each. */
  readonly notes?: readonly string[];
  /**
   * Finds what it is, and checks its options.
   * @throws VconOtelError `MODULE_NOT_FOUND`, `MODULE_INVALID`
   */
  find(): Promise<FoundComponent<Definition>>;
}

/** What a component is, and with what it is to be made. */
export interface FoundComponent<Definition> {
  readonly definition: Definition;
  /** As its definition takes them, unless there are faults. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly faults: readonly Fault[];
  /** What it needs of the rest of the configuration and does not find there. */
  readonly lacks?: readonly Fault[];
}

/** Any kind of definition. */
export type AnyComponent = Component<z.ZodType, never, unknown, never>;

/** A component that comes with the package: its options were checked with the configuration. */
export function ourComponent<Definition extends AnyComponent>(
  path: string,
  name: string,
  definition: Definition,
  options: Readonly<Record<string, unknown>>,
): NamedComponent<Definition> {
  return { path, name, title: name, find: async () => ({ definition, options, faults: [] }) };
}

/**
 * A component of somebody else's.
 * @param name in the configuration, if it has one
 * @param directory where a relative path of a module starts
 * @param define what makes its definition, for errors: `defineExporter`
 */
export function theirComponent<Definition extends AnyComponent>(
  path: string,
  name: string | undefined,
  { module, options: given }: ModuleSection<Definition>,
  directory: string,
  define: string,
): NamedComponent<Definition> {
  const source = typeof module === 'string' ? module : 'given by code';
  return {
    path,
    name: name ?? path,
    title: name === undefined ? source : `${name} (${source})`,
    async find() {
      const key = `${path}.module`;
      const definition = typeof module === 'string' ? await loadModule(key, module, directory) : module;
      if (!isDefinition<Definition>(definition))
        throw new VconOtelError('MODULE_INVALID', `${key}: it exports no definition (${define})`, {
          path: key,
        });
      return { definition, ...checkOptions(definition.options, given, `${path}.options`) };
    },
  };
}

/** What is wrong with a component, without making it. */
export async function componentFaults({ find }: NamedComponent<unknown>): Promise<readonly Fault[]> {
  try {
    return (await find()).faults;
  } catch (error) {
    if (!(error instanceof VconOtelError) || error.path === undefined) throw error;
    // The path stands at the head of the message; whoever prints this puts it there again.
    return [{ path: error.path, message: error.message.replace(`${error.path}: `, '') }];
  }
}

/** What is to be known of a component whose options are right. */
export async function componentRemarks({ find }: NamedComponent<object>): Promise<readonly string[]> {
  const { definition, options, faults } = await find();
  if (faults.length > 0) return [];
  return (definition as Pick<AnyComponent, 'remarks'>).remarks?.(options) ?? [];
}

function isDefinition<Definition extends AnyComponent>(value: unknown): value is Definition {
  return (
    typeof value === 'object' && value !== null && 'create' in value && typeof value.create === 'function'
  );
}
