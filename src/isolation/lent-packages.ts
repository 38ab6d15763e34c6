import { registerHooks } from 'node:module';

/**
 * Lets what is loaded in this thread import `vcon-otel` and `zod`, wherever its file lies: a tracer beside a configuration has no
 * `node_modules` of its own, nor has one beside an image or a global installation. `vcon-otel` is the copy that runs, so that there is
 * one; `zod` is the file's own where it has one. A thread of its own calls this itself.
 */
export function lendPackages(): void {
  if (lending) return;
  lending = true;
  registerHooks({
    resolve: (specifier, context, next) => {
      // Asked below, for somebody else.
      if (context.parentURL === import.meta.url)
        return next(specifier, { ...context, conditions: [...context.conditions, ...CONDITIONS] });
      if (OURS.test(specifier)) return ours(specifier);
      if (!ZOD.test(specifier)) return next(specifier, context);
      try {
        return next(specifier, context);
      } catch {
        return ours(specifier);
      }
    },
  });
}

let lending = false;

/** What this file would import; `next` cannot be asked for it on behalf of a `require`. */
function ours(specifier: string) {
  return { url: import.meta.resolve(specifier), shortCircuit: true };
}

const OURS = /^vcon-otel(\/|$)/;
const ZOD = /^zod(\/|$)/;

/** What runs from its sources is imported as sources (package.json's `exports`). */
const CONDITIONS = import.meta.url.endsWith('.ts') ? ['vcon-otel-source'] : [];
