import type { OperatorDeed, RotationOrder } from './operator-deed.ts';
import type { LedgerEntry } from './record.ts';
import type { LedgerEnd } from './recover.ts';
import type { Expiry } from './retention.ts';

//  What a ledger records that no chain did. Each entry has an id of its own, so that retries record it only once.

/** Records that an unfinished record was cut off. */
export function repairEntry(
  size: number,
  { bytes, hash }: NonNullable<LedgerEnd['cut']>,
  retention_policy: string,
): LedgerEntry {
  return {
    record_id: `repair/${size}/${hash}`,
    timestamp: new Date().toISOString(),
    retention_policy,
    event: 'tail_repaired',
    actor: 'ledger',
    cut_bytes: bytes,
    cut_hash: hash,
  };
}

/**
 * Records that the oldest records are deleted.
 * @param order the id of the record of somebody's order, where they are not old enough
 */
export function expiryEntry(
  { first, lastTime, policies }: Expiry,
  retention_policy: string,
  order: string | undefined,
): LedgerEntry {
  return {
    record_id: `expire/${first}`,
    timestamp: new Date().toISOString(),
    retention_policy,
    event: 'records_expired',
    actor: 'ledger',
    first_seq: first,
    last_recorded_at: new Date(lastTime).toISOString(),
    policies: [...policies],
    ...(order === undefined ? {} : { order }),
  };
}

/** Records what an operator did, as of when the ledger heard of it. */
export function operatorEntry(record_id: string, deed: OperatorDeed, retention_policy: string): LedgerEntry {
  return { record_id, timestamp: new Date().toISOString(), retention_policy, ...deed };
}

/** Records that the key that signs is changed, from one verifier key to another. */
export function rotationEntry(
  record_id: string,
  { actor, system_user, reason }: RotationOrder,
  change: Pick<
    Extract<LedgerEntry, { event: 'key_rotated' }>,
    'former_key' | 'verifier_key' | 'former_private_key'
  >,
  retention_policy: string,
): LedgerEntry {
  return {
    record_id,
    timestamp: new Date().toISOString(),
    retention_policy,
    event: 'key_rotated',
    actor,
    ...(system_user === undefined ? {} : { system_user }),
    reason,
    ...change,
  };
}

/** Records that nothing else has happened: a ledger that is silent without it is not kept any more. */
export function heartbeatEntry(size: number, retention_policy: string): LedgerEntry {
  return {
    record_id: `heartbeat/${size}`,
    timestamp: new Date().toISOString(),
    retention_policy,
    event: 'heartbeat',
    actor: 'ledger',
  };
}
