/** Numbers from one up to another, both included. */
export type NumberRange = readonly [from: number, to: number];

/** Numbers for a person: `1 to 3, 7`. */
export function inWords(numbers: Iterable<number>): string {
  return toRanges(numbers)
    .map(([from, to]) => (from === to ? `${from}` : `${from} to ${to}`))
    .join(', ');
}

/** Numbers as ranges, so that many in a row take little room. */
export function toRanges(numbers: Iterable<number>): NumberRange[] {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}
