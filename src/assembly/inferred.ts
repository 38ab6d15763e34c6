const NO_NAMES: readonly string[] = Object.freeze([]);

/** The names of what was concluded rather than observed, as `ChainEvent.inferred` has them. */
export function inferredNames(
  ...facts: readonly (readonly [isInferred: boolean, name: string])[]
): readonly string[] {
  const names = facts.filter(([isInferred]) => isInferred).map(([, name]) => name);
  return names.length === 0 ? NO_NAMES : Object.freeze(names);
}
