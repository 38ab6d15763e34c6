/** Writes a path as a person would: `chains.main.tracers[0]`, and `chains["a.b"]` for a name that needs it. */
export function formatPath(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'configuration';
  return path
    .map((key, position) => {
      if (typeof key === 'number') return `[${key}]`;
      const name = String(key);
      if (!PLAIN_NAME.test(name)) return `[${JSON.stringify(name)}]`;
      return position === 0 ? name : `.${name}`;
    })
    .join('');
}

/** Where code may have put a tracer's module itself, which is not ours to look through. */
export function isModulePath(path: readonly PropertyKey[]): boolean {
  return path.length === 3 && path[0] === 'tracers' && path[2] === 'module';
}

/** Whether the last key is the name that somebody gave a tracer or chain: it says nothing about what is in it. */
export function isGivenName(path: readonly PropertyKey[]): boolean {
  return path.length === 2 && (path[0] === 'tracers' || path[0] === 'chains');
}

const PLAIN_NAME = /^[\p{L}\p{N}_-]+$/u;
