/** Both lists in one, each name once, frozen. Usually one of them is empty, so nothing has to be allocated. */
export function union(some: readonly string[], others: readonly string[]): readonly string[] {
  if (others.length === 0) return some;
  if (some.length === 0) return Object.isFrozen(others) ? others : Object.freeze([...others]);
  return Object.freeze([...new Set([...some, ...others])]);
}

/** The part that holds for an end as well: a concluded start time says nothing about when the step ended. */
export function withoutTime(inferred: readonly string[]): readonly string[] {
  return inferred.includes('time') ? Object.freeze(inferred.filter((name) => name !== 'time')) : inferred;
}
