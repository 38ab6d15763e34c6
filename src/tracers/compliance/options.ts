import { z } from 'zod';
import { brokenAlgorithms, hashAlgorithms, MAX_POLICY, retentionPeriod } from '../../ledger/index.ts';
import { LONGEST_TIMER } from '../../model/clock.ts';
import { matching } from '../../model/options/values.ts';

/** The options of `tracers.compliance`. */
export const options = z.strictObject({
  directory: z.string().min(1).default('./data/ledger'),
  origin: matching(/^[^\s+]{1,256}$/, 'a name such as example.com/audit, without spaces and +').optional(),
  key_file: z.string().min(1).optional(),
  hash_algorithm: z.enum(hashAlgorithms).default('sha256'),
  include_content_hash: z.boolean().default(true),
  content_binding: z.enum(['hmac', 'hash']).default('hmac'),
  retention_policy: z
    .string()
    .refine(isLabel, { params: { expected: `a label of 1 to ${MAX_POLICY} characters, such as 7_years` } })
    .default('7_years'),
  checkpoint: z
    .strictObject({
      every: z.int().min(1).max(1_000_000).default(1_000),
      interval: matching(/^[1-9]\d{0,5}(s|m|h)$/, 'a duration such as 60s, 5m or 1h').default('60s'),
    })
    .default({ every: 1_000, interval: '60s' }),
  anchor: z.string().min(1).optional(),
});

/** {@link options}, checked. */
export type ComplianceOptions = z.output<typeof options>;

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };

/** The milliseconds between two checkpoints, as far as a timer keeps them. */
export function checkpointInterval(interval: string): number {
  // A timer cannot wait longer.
  return Math.min(Number.parseInt(interval, 10) * (SECONDS[interval.slice(-1)] ?? 1) * 1e3, LONGEST_TIMER);
}

/** What is to be known of options that are right. */
export function remarks({
  retention_policy,
  hash_algorithm,
  include_content_hash,
}: ComplianceOptions): string[] {
  const said: string[] = [];
  if (retentionPeriod(retention_policy) === undefined)
    said.push(
      'retention_policy is a label that deletes nothing; what deletes is <n>_days, <n>_months, <n>_years or an ISO 8601 duration such as P7Y',
    );
  if (include_content_hash && brokenAlgorithms.has(hash_algorithm))
    said.push(
      'hash_algorithm is a broken one (md5, sha1): two documents with one hash can be made; sha256 has no such fault',
    );
  return said;
}

/** What can stand in a record. */
function isLabel(text: string): boolean {
  return text !== '' && text.length <= MAX_POLICY && text.isWellFormed();
}
