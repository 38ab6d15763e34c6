import { KeyStore } from '../keys/key-store.ts';
import type { ChainedRecord } from '../log/record.ts';
import { Found, type KeyFindings } from './verdict.ts';

/** A record, and where it starts. */
interface Place {
  readonly file: string;
  readonly offset: number;
  readonly seq: number;
}

/**
 * Compares the vCons' keys with what records say of them: the key that a record was made with is there, unless its destruction
 * was recorded, and then it is not. Memory is bounded: beyond 100,000 keys that are missing, only the first are remembered.
 */
export class KeyCheck {
  readonly #keys: KeyStore;
  /** vCons whose key is not the one, and where a record says so: its destruction may be recorded further on. */
  readonly #missing = new Map<string, Place>();
  readonly #back = new Map<string, Place>();
  /** Keys that were compared lately: a vCon has several records in a row. */
  readonly #lately = new Map<string, string>();
  #committed = 0;
  #uncommitted = 0;
  #pending = 0;
  #lost = 0;

  /** @param directory of the ledger */
  constructor(directory: string) {
    this.#keys = new KeyStore(directory);
  }

  /** @param file and the byte at which the record starts */
  add(record: ChainedRecord, file: string, offset: number): void {
    if (record.event === 'vcon_key_destroyed')
      this.#destroyed(record.vcon_uuid, { file, offset, seq: record.seq });
    if (record.event === 'ledger_restored') this.#restored();
    if (!('run_id' in record)) return;
    const { vcon_uuid, key_commitment, content_hash, content_binding, seq } = record;
    if (key_commitment !== undefined) this.#compare(vcon_uuid, key_commitment, { file, offset, seq });
    else if (content_hash && content_binding === 'hmac') this.#uncommitted += 1;
  }

  get findings(): KeyFindings {
    return {
      committed: this.#committed,
      uncommitted: this.#uncommitted,
      pending: this.#pending,
      lost: this.#lost,
    };
  }

  /**
   * @param isRestored the ledger was brought back from a mirror, which it has yet to record
   * @param destroyed vCons whose key a command has destroyed, which the ledger has yet to record
   * @throws Found where a key is not the one, or is there again
   */
  end(destroyed: ReadonlySet<string>, isRestored: boolean): void {
    if (isRestored) this.#restored();
    for (const vcon of destroyed) if (this.#missing.delete(vcon)) this.#pending += 1;
    const [missing] = this.#missing.values();
    if (missing) {
      const more = this.#missing.size > 1 ? `; so it is with ${this.#missing.size - 1} vCons more` : '';
      const reason = `was made with a key that is missing, or is another now, and no record says that it was destroyed${more}`;
      throw new Found({ ...missing, reason }, 'key_lost');
    }
    const [back] = this.#back.values();
    if (back)
      throw new Found({ ...back, reason: 'says that a key was destroyed, but it is there' }, 'key_lost');
  }

  /** A mirror has no keys, so none of those of before is a finding. */
  #restored(): void {
    this.#lost += this.#missing.size;
    this.#missing.clear();
  }

  #compare(vcon: string, commitment: string, place: Place): void {
    this.#committed += 1;
    if (this.#lately.get(vcon) === commitment) return;
    if (this.#keys.commitment(vcon) === commitment) {
      if (this.#lately.size >= LATELY) this.#lately.clear();
      this.#lately.set(vcon, commitment);
    } else if (this.#missing.size < MAX_MISSING && !this.#missing.has(vcon)) this.#missing.set(vcon, place);
  }

  #destroyed(vcon: string, place: Place): void {
    this.#missing.delete(vcon);
    if (this.#back.size < MAX_MISSING && this.#keys.commitment(vcon) !== undefined)
      this.#back.set(vcon, place);
  }
}

const LATELY = 4_096;
const MAX_MISSING = 100_000;
