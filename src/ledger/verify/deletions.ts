import type { LedgerRecord } from '../log/record.ts';
import { retentionPeriod } from '../log/retention-policy.ts';
import { Found, type LedgerFault } from './verdict.ts';

type DeletionRecord = Extract<LedgerRecord, { readonly event: 'records_expired' }>;

/** What a ledger says of the records that it no longer has: each deletion leaves a record. */
export class Deletions {
  #upTo = 0;
  #unproven = 0;
  #fault: Found | undefined;

  /** The first record that was not deleted. */
  get upTo(): number {
    return this.#upTo;
  }

  /** Deletions by 0.1, which did not say how old the records were. */
  get unproven(): number {
    return this.#unproven;
  }

  /** The first deletion of records that were not old enough, and that nobody had ordered. */
  get fault(): Found | undefined {
    return this.#fault;
  }

  add(record: DeletionRecord, place: Omit<LedgerFault, 'reason'>): void {
    const { first_seq, recorded_at, last_recorded_at, policies, order } = record;
    this.#upTo = Math.max(this.#upTo, first_seq);
    if (last_recorded_at === undefined || policies === undefined) {
      this.#unproven += 1;
      return;
    }
    // The record of the order may be gone by now, as others of its time.
    if (order !== undefined) return;
    const period = Math.max(...policies.map((policy) => retentionPeriod(policy) ?? Number.POSITIVE_INFINITY));
    if (Date.parse(recorded_at) - Date.parse(last_recorded_at) >= period) return;
    const reason =
      'deleted records before they were as old as they say themselves, and nobody had ordered it';
    this.#fault ??= new Found({ ...place, reason }, 'deleted_early');
  }
}
