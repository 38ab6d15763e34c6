import { z } from 'zod';
import {
  brokenAlgorithms,
  hashAlgorithms,
  lackingForS3,
  MAX_POLICY,
  parseWitnessKey,
  retentionPeriod,
  type WitnessOptions,
} from '../../ledger/index.ts';
import { LONGEST_TIMER } from '../../model/clock.ts';
import { httpUrl, matching, text } from '../../model/options/values.ts';
import { isHost } from '../../outgoing/host.ts';

const length = (example: string) => matching(/^[1-9]\d{0,5}(s|m|h)$/, `a duration such as ${example}`);

const witness = z.strictObject({
  url: httpUrl,
  key: text.refine(isWitnessKey, {
    params: {
      expected: 'the verifier key of a witness <name>+<id>+<base64>, as `audit keygen --witness` prints it',
    },
  }),
});

const mirror = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('directory'), path: z.string().min(1) }),
  z
    .strictObject({
      type: z.literal('s3'),
      bucket: matching(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket'),
      prefix: z.string().max(512).optional(),
      region: text.optional(),
      endpoint: httpUrl.optional(),
      access_key_id: text.optional(),
      secret_access_key: text.optional(),
      profile: text.optional(),
      object_lock: z
        .strictObject({
          mode: z.enum(['governance', 'compliance']),
          days: z.int().min(1).max(36_500),
        })
        .optional(),
    })
    .refine(
      ({ access_key_id, secret_access_key }) =>
        (access_key_id === undefined) === (secret_access_key === undefined),
      { path: ['secret_access_key'], params: { expected: 'with access_key_id, and only with it' } },
    ),
]);

/** Beside the ledger's own, as many signatures as anybody who reads a checkpoint has to read. */
const MAX_WITNESSES = 15;

const shape = z.strictObject({
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
      interval: length('60s, 5m or 1h').default('60s'),
      heartbeat: length('10m or 1h').default('1h'),
    })
    .default({ every: 1_000, interval: '60s', heartbeat: '1h' }),
  anchor: z.string().min(1).optional(),
  witnesses: z.array(witness).max(MAX_WITNESSES).default([]),
  // Absent: all of them.
  quorum: z.int().min(1).optional(),
  mirror: mirror.optional(),
  allow_private_hosts: z
    .array(z.string().refine(isHost, { params: { expected: 'a host without a port' } }))
    .default([]),
});

/** The options of `tracers.compliance`. */
export const options = shape.refine(
  ({ witnesses, quorum }) => quorum === undefined || quorum <= witnesses.length,
  { path: ['quorum'], params: { expected: 'at most the number of witnesses' } },
);

/** {@link options}, checked. */
export type ComplianceOptions = z.output<typeof options>;

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };

/** Who is to cosign the checkpoints; undefined where nobody is. */
export function witnessing(given: ComplianceOptions): WitnessOptions | undefined {
  const { witnesses, quorum = witnesses.length, allow_private_hosts, checkpoint } = given;
  if (witnesses.length === 0) return undefined;
  const { interval, heartbeat } = checkpoint;
  // Silence lasts as long as a heartbeat, and what ends it waits for a checkpoint.
  const patience = checkpointInterval(heartbeat) + checkpointInterval(interval) + ANSWERED;
  return { witnesses, quorum, allowPrivateHosts: allow_private_hosts, patience };
}

/** Milliseconds that witnesses may take for their answers. */
const ANSWERED = 60_000;

function isWitnessKey(vkey: string): boolean {
  try {
    parseWitnessKey(vkey);
    return true;
  } catch {
    return false;
  }
}

/** The milliseconds between two checkpoints, as far as a timer keeps them. */
export function checkpointInterval(interval: string): number {
  // A timer cannot wait longer.
  return Math.min(Number.parseInt(interval, 10) * (SECONDS[interval.slice(-1)] ?? 1) * 1e3, LONGEST_TIMER);
}

/** What is to be known of options that are right. */
export function remarks({
  mirror,
  retention_policy,
  hash_algorithm,
  include_content_hash,
}: ComplianceOptions): string[] {
  const said: string[] = [];
  const lacking = mirror?.type === 's3' ? lackingForS3() : undefined;
  if (lacking !== undefined) said.push(lacking);
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
