const DAY = 86_400_000;

/** Milliseconds at their longest, so that nothing is deleted too early. */
const UNITS: Readonly<Record<string, number>> = { day: DAY, month: 31 * DAY, year: 366 * DAY };

/** `7_years`, as the conserver's page on tracers has it. */
const COUNTED = /^([1-9]\d{0,4})_(day|month|year)s?$/;

/** A duration of ISO 8601 (§5.5.2.3) down to hours, its weeks beside other units too, as ISO 8601-2 has them. */
const ISO_8601 = /^P(?=.)(?:(\d{1,5})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,5})D)?(?:T(\d{1,5})H)?$/;

/**
 * For how many milliseconds records are kept under a policy: for ever under `indefinite`.
 * @returns undefined for a label that says no time
 */
export function retentionPeriod(policy: string): number | undefined {
  if (policy === 'indefinite') return Number.POSITIVE_INFINITY;
  const [, count, unit = ''] = COUNTED.exec(policy) ?? [];
  if (count !== undefined) return Number(count) * (UNITS[unit] ?? 0);
  const [matched, ...parts] = ISO_8601.exec(policy) ?? [];
  if (matched === undefined) return undefined;
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0] = parts.map((part) => Number(part ?? 0));
  const period = years * 366 * DAY + months * 31 * DAY + (weeks * 7 + days) * DAY + hours * 3_600_000;
  // Kept for no time at all is no retention.
  return period > 0 ? period : undefined;
}
