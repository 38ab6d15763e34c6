import { VconOtelError } from '../../model/error.ts';
import { KeyStore } from '../keys/key-store.ts';
import type { LedgerSettings } from './ledger-settings.ts';
import type { RotationOrder } from './operator-deed.ts';
import { expiryEntry, operatorEntry, rotationEntry } from './own-entries.ts';
import type { OwnKeys } from './own-keys.ts';
import type { LedgerEntry } from './record.ts';
import { doneRequest, type OpenRequest, openRequests } from './requests.ts';
import { type Expiry, Retention } from './retention.ts';

/** What is asked of the ledger. */
export interface DutiesLedger {
  accept(entry: LedgerEntry): Promise<void>;
  sign(): Promise<void>;
  /** Whether one of the latest records has this id. */
  has(recordId: string): boolean;
  /** Aborts when the ledger is being closed: what takes long then ends, and is done the next time. */
  readonly closing: AbortSignal;
}

/** What a ledger sees to by itself, now and then: it records what operators did, and deletes records that are old enough. */
export class Duties {
  readonly #settings: LedgerSettings;
  readonly #keys: OwnKeys;
  readonly #ledger: DutiesLedger;
  readonly #retention: Retention;
  #expiring: Promise<void> | undefined;
  #recording: Promise<void> = Promise.resolve();

  constructor(settings: LedgerSettings, keys: OwnKeys, ledger: DutiesLedger) {
    this.#settings = settings;
    this.#keys = keys;
    this.#ledger = ledger;
    this.#retention = new Retention(settings.directory, settings.retention.period, ledger.closing);
  }

  /**
   * One call after the other: the key is not changed twice at once.
   * @throws VconOtelError as `Ledger.append`, or the system's error: what is left is recorded the next time
   */
  recordRequests(): Promise<void> {
    const recorded = this.#recording.then(() => this.#recordRequests());
    this.#recording = recorded.catch(() => undefined);
    return recorded;
  }

  async #recordRequests(): Promise<void> {
    const { directory, notice } = this.#settings;
    const { requests, strange } = openRequests(directory);
    if (strange > 0)
      notice(
        'strange',
        `${strange} files in requests/ or shredded/ were not left by a command of this ledger: what they say is not recorded`,
      );
    for (const request of requests) {
      try {
        await this.#record(request);
        doneRequest(request);
      } catch (error) {
        // An order is recorded, and carried out the next time.
        if (error === this.#ledger.closing.reason) continue;
        // It waits until somebody has seen to its key, and must not keep the others waiting.
        if (error instanceof VconOtelError && error.code === 'KEY_INVALID') {
          notice('rotation', `the key is not changed, as somebody has ordered: ${error.message}`);
          continue;
        }
        // However it came there, it must not keep the others from being recorded.
        if (!(error instanceof RangeError)) throw error;
        notice('request', 'what an operator did cannot be recorded: it is too long for a record');
      }
    }
  }

  /** Deletes what is old enough; a call in the meantime waits for the same. @throws as {@link recordRequests}, or AbortError */
  expire(): Promise<void> {
    this.#expiring ??= this.#expire().finally(() => {
      this.#expiring = undefined;
    });
    return this.#expiring;
  }

  async #expire(): Promise<void> {
    await this.#delete(await this.#retention.due(Date.now()));
  }

  async #record(request: OpenRequest): Promise<void> {
    const { directory, retention } = this.#settings;
    const { deed, recordId } = request;
    if (deed.event === 'key_rotation_ordered') return this.#rotate(deed, recordId);
    // Only what is gone is said to be: whoever left word may not have come to it, or somebody has put the key back.
    if (deed.event === 'vcon_key_destroyed') new KeyStore(directory).destroy(deed.vcon_uuid);
    await this.#ledger.accept(operatorEntry(recordId, deed, retention.policy));
    if (deed.event === 'expiry_ordered')
      await this.#delete(await this.#retention.before(Date.parse(deed.before)), recordId);
  }

  /** Changes the key that signs; goes on with a change that is recorded. */
  async #rotate(order: RotationOrder, recordId: string): Promise<void> {
    const { policy } = this.#settings.retention;
    if (!this.#ledger.has(recordId)) {
      const change = this.#keys.begin(order);
      try {
        await this.#ledger.accept(rotationEntry(recordId, order, change, policy));
      } catch (error) {
        this.#keys.callOff();
        throw error;
      }
    }
    await this.#ledger.sign();
  }

  /** Deletes the oldest records, once it is signed that this is so. @param order the id of its record */
  async #delete(expiry: Expiry | undefined, order?: string): Promise<void> {
    if (!expiry) return;
    const { retention, notice } = this.#settings;
    await this.#ledger.accept(expiryEntry(expiry, retention.policy, order));
    await this.#ledger.sign();
    await this.#retention.delete(expiry);
    notice('retention', `records before ${expiry.first} are no longer kept`);
  }
}
