/** Whether only to show that everything runs: a few turns, whose figures mean nothing. */
export const SHORT = process.argv.includes('--short');

/** Middle value. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value that a share of all values, 0 to 1, does not exceed; between two values, in proportion. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place % 1);
}

/** Difference between the largest and the smallest, in percent of the median: how noisy the machine was. */
export function spread(values: readonly number[]): number {
  return ((Math.max(...values) - Math.min(...values)) / median(values)) * 100;
}

/** Frees what nobody holds any more, so that what is left can be measured. */
export function collectGarbage(): void {
  if (!global.gc) throw new Error('memory can only be measured under node --expose-gc');
  // What a first pass frees can hold the last reference to something weakly held.
  global.gc();
  global.gc();
}

/** A uuid for each run, as in production: one string for all of them would hide what it takes to keep it. */
export function uuidOf(run: number): string {
  return `0190c3a4-0000-8000-8000-${run.toString(16).padStart(12, '0')}`;
}

/** A whole number with its thousands apart. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** Prints rows under a heading, columns aligned. */
export function printTable(heading: string, rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)));
  console.log(`\n${heading}`);
  for (const row of rows) console.log(`  ${line(row).join('  ')}`);
}
