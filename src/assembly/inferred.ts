const NO_NAMES: readonly string[] = Object.freeze([]);
/** Each list that occurs, once: there are few of them, since there are few names. */
const LISTS = new Map<string, readonly string[]>();

/**
 * The names of what was concluded rather than observed, as `ChainEvent.inferred` has them: the same list for the same names.
 * @param names false for what was observed
 */
export function inferredNames(...names: readonly (string | false)[]): readonly string[] {
  let key = '';
  for (const name of names) if (name !== false) key = key === '' ? name : `${key} ${name}`;
  if (key === '') return NO_NAMES;
  const list = LISTS.get(key) ?? Object.freeze(key.split(' '));
  LISTS.set(key, list);
  return list;
}
