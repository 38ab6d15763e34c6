import { createHash } from 'node:crypto';
import { type LedgerEntry, ledgerIn } from '../../ledger/index.ts';
import type { ThrottledLog } from '../../model/throttled-log.ts';
import type { Entity } from './entity.ts';
import { JlincError } from './failure.ts';

/** A receipt that was kept. */
export interface Kept {
  /** Its line, without the line break. */
  readonly line: string;
  readonly record_id: string;
  readonly in_vcon_uuid: string;
  readonly sender: Entity;
  readonly recipient: Entity;
}

/**
 * Has the ledger of a compliance tracer record which receipts were kept, and with which keys they were checked: then nobody can edit,
 * remove or add one unnoticed.
 */
export class ReceiptLedger {
  readonly #directory: string | undefined;
  readonly #tracer: string;
  readonly #log: ThrottledLog;
  readonly #pinned = new Set<string>();

  /** @param directory of the ledger; without one nothing is recorded */
  constructor(directory: string | undefined, tracer: string, log: ThrottledLog) {
    this.#directory = directory;
    this.#tracer = tracer;
    this.#log = log;
  }

  /** Resolves when it is recorded. @throws JlincError `RECEIPT_NOT_KEPT` where it is not; another try may succeed */
  async record({ line, record_id, in_vcon_uuid, sender, recipient }: Kept): Promise<void> {
    if (this.#directory === undefined) return;
    const ledger = ledgerIn(this.#directory);
    if (!ledger) {
      this.#log.warn(
        'ledger',
        `tracer ${this.#tracer}: no tracer of this process has its ledger open, so its receipts are not recorded there`,
      );
      return;
    }
    const common = {
      timestamp: new Date().toISOString(),
      retention_policy: ledger.policy,
      actor: 'conserver',
      tracer: this.#tracer,
    } as const;
    const pins = [sender, recipient].map(({ did, keys }): LedgerEntry => {
      const id = `entity/${sha256(JSON.stringify([this.#tracer, did, keys]))}`;
      return { ...common, record_id: id, event: 'entity_pinned', did, keys: [...keys] };
    });
    const receipt_hash = sha256(line);
    const kept: LedgerEntry = {
      ...common,
      record_id: `receipt/${receipt_hash}`,
      event: 'receipt_kept',
      vcon_uuid: in_vcon_uuid,
      receipt_id: record_id,
      receipt_hash,
    };
    const fresh = pins.filter((pin) => !this.#pinned.has(pin.record_id));
    try {
      await Promise.all([...fresh, kept].map((entry) => ledger.append(entry)));
    } catch (cause) {
      throw new JlincError('RECEIPT_NOT_KEPT', 'the ledger could not record a receipt', { cause });
    }
    for (const { record_id: id } of fresh) this.#pinned.add(id);
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
