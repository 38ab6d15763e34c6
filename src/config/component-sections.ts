import { z } from 'zod';
import { oneOf } from '../model/options/explain.ts';
import { isEmptySection, section } from '../model/options/section.ts';

/** Components that come with the package, by name: the schema of the configuration is made of their options. */
type Registry = Readonly<Record<string, { readonly options: z.ZodObject }>>;

type Name<R extends Registry> = keyof R & string;
type Output<R extends Registry, N extends Name<R>> = z.output<R[N]['options']>;
type Input<R extends Registry, N extends Name<R>> = z.input<R[N]['options']>;

/** A component of somebody else's: its options are checked when its module has been loaded. */
export type ModuleSection<Definition> = {
  /** A path, an installed package, or in code the module itself. */
  readonly module: string | Definition;
  readonly options: Record<string, unknown>;
};

/** A {@link ModuleSection} as it may be written. */
export type ModuleSectionInput<Definition> = Pick<ModuleSection<Definition>, 'module'> &
  Partial<Pick<ModuleSection<Definition>, 'options'>>;

/** The keys of a {@link ModuleSection}. */
export function moduleShape<Definition extends object>() {
  return {
    module: z.custom<string | Definition>(isModule, {
      error: ({ input }) => (input === undefined ? 'is required' : 'expected a path or a package name'),
    }),
    options: section(z.record(z.string(), z.unknown())).prefault({}),
  };
}

/** A section for each component, under its name. One that is not written down is off. */
export function namedSections<R extends Registry>(registry: R) {
  const sections = Object.entries(registry).map(([name, { options }]) => [name, section(options).optional()]);
  return Object.fromEntries(sections) as {
    [N in Name<R>]: z.ZodOptional<z.ZodType<Output<R, N>, Input<R, N>>>;
  };
}

const NO_MODULE = 'unknown key; a component of your own needs a `module`';

/** As {@link namedSections}, and a module of somebody else's under any other name. */
export function openSections<R extends Registry, Definition extends object>(registry: R) {
  const known = Object.keys(registry);
  const own = z.preprocess((value, context) => {
    // What names no module is a mistyped name rather than a forgotten module.
    if (typeof value === 'object' && value !== null && 'module' in value) return value;
    context.addIssue({ code: 'custom', params: { known, otherwise: NO_MODULE }, input: value });
    return z.NEVER;
  }, z.strictObject(moduleShape<Definition>()));
  const sections: z.ZodType = z.object(namedSections(registry)).catchall(own);
  return sections as z.ZodType<
    { [N in Name<R>]?: Output<R, N> | undefined } & {
      [name: string]: Output<R, Name<R>> | ModuleSection<Definition> | undefined;
    },
    { [N in Name<R>]?: Input<R, N> | undefined } & {
      [name: string]: Input<R, Name<R>> | ModuleSectionInput<Definition> | undefined;
    }
  >;
}

/**
 * One of several components, told by its `type`.
 * @param fallback the type of a section with nothing in it
 */
export function typedSection<R extends Registry>(registry: R, fallback: Name<R>) {
  return typed(registry, fallback, []) as z.ZodType<TypedOutput<R>, TypedInput<R>>;
}

/** As {@link typedSection}, or a `module` of somebody else's instead of a type; its type is then `module`. */
export function openTypedSection<R extends Registry, Definition extends object>(
  registry: R,
  fallback: Name<R>,
) {
  const own = z.strictObject({ type: z.literal('module'), ...moduleShape<Definition>() });
  return typed(registry, fallback, [own]) as z.ZodType<
    TypedOutput<R> | ({ type: 'module' } & ModuleSection<Definition>),
    TypedInput<R> | ({ type?: 'module' } & ModuleSectionInput<Definition>)
  >;
}

type TypedOutput<R extends Registry> = { [N in Name<R>]: Typed<N, Output<R, N>> }[Name<R>];
type TypedInput<R extends Registry> = { [N in Name<R>]: Typed<N, Input<R, N>> }[Name<R>];

/** An object without any option is a record of nothing to the schema library, which allows no type beside it. */
type Typed<N, Options> = string extends keyof Options ? { type: N } : { type: N } & Options;

function typed(registry: Registry, fallback: string, others: readonly z.ZodObject[]): z.ZodType {
  const types = Object.keys(registry);
  const [first, ...rest] = [
    ...Object.entries(registry).map(([type, { options }]) =>
      // Not extended: the type comes first wherever a configuration is printed.
      z
        .strictObject({ type: z.literal(type), ...options.shape })
        .check(...((options.def.checks ?? []) as z.core.$ZodCheck<{ type: string }>[])),
    ),
    ...others,
  ];
  if (!first) throw new Error('there is no component');
  const schema = z.discriminatedUnion('type', [first, ...rest], {
    error: ({ code }) => (code === 'invalid_union' ? oneOf(types) : undefined),
  });
  return z.preprocess((value) => {
    if (isEmptySection(value)) return { type: fallback };
    const namesModule =
      typeof value === 'object' && value !== null && 'module' in value && !('type' in value);
    return namesModule && others.length > 0 ? { type: 'module', ...value } : value;
  }, schema);
}

function isModule(value: unknown): boolean {
  return typeof value === 'object'
    ? value !== null
    : typeof value === 'function' || (typeof value === 'string' && value !== '');
}
