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

/** Where code may have put a module itself, into which we do not look. */
export function isModulePath(path: readonly PropertyKey[]): boolean {
  const [section] = path;
  const isNamed = section === 'tracers' || section === 'exporters';
  return (
    path.at(-1) === 'module' && path.length === (isNamed ? 3 : 2) && (isNamed || section === 'vcon_store')
  );
}

/** Whether the last key is a name of the user's own, which says nothing about its content. */
export function isGivenName(path: readonly PropertyKey[]): boolean {
  return path.length === 2 && ['tracers', 'chains', 'exporters'].includes(String(path[0]));
}

const PLAIN_NAME = /^[\p{L}\p{N}_-]+$/u;
