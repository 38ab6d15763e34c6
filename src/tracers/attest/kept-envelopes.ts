import { type LedgerEntry, ledgerIn } from '../../ledger/index.ts';
import { DeliveryError } from '../../model/delivery-error.ts';
import type { ThrottledLog } from '../../model/throttled-log.ts';
import { DailyFile } from '../../persistence/daily-file.ts';
import { fileOfDay, lateEnvelopes, lineHash } from './attestation-files.ts';
import { Entrances } from './entrances.ts';
import type { LinkStatement } from './statement.ts';

/** What code passes to {@link KeptEnvelopes}. */
export interface KeptEnvelopesSettings {
  readonly directory: string;
  /** Of the ledger that records them. */
  readonly ledgerDirectory: string;
  /** The tracer's name. */
  readonly tracer: string;
  readonly log: ThrottledLog;
}

/** An envelope, and what it says. */
export interface Envelope {
  readonly line: string;
  readonly statement: LinkStatement;
}

/** Where envelopes are kept, each event's once: on the disk, then recorded in the ledger. */
export class KeptEnvelopes {
  readonly #settings: KeptEnvelopesSettings;
  readonly #file: DailyFile;
  /** The hash of each event's line, by the event's id: the newest. */
  readonly #kept = new Map<string, string>();
  readonly #underway = new Map<string, Promise<void>>();
  /** With what the steps of runs under way begin, as far as the envelopes kept tell. */
  readonly entrances = new Entrances();

  /** @throws the system's error where no file can be made or read there */
  constructor(settings: KeptEnvelopesSettings) {
    this.#settings = settings;
    this.#file = new DailyFile({ directory: settings.directory, name: fileOfDay });
    for (const { text, statement } of lateEnvelopes(settings.directory)) this.#remember(text, statement);
  }

  /**
   * Resolves when the event's envelope is kept and recorded.
   * @param vconUuid under which the ledger finds it
   * @param make is not called for an event that was kept before
   * @throws DeliveryError where it is not; another try may succeed
   */
  keep(eventId: string, vconUuid: string, make: () => Promise<Envelope>): Promise<void> {
    const before = this.#underway.get(eventId);
    if (before) return before;
    const work = this.#keep(eventId, vconUuid, make).finally(() => this.#underway.delete(eventId));
    this.#underway.set(eventId, work);
    return work;
  }

  /** Resolves when all that was accepted is on the disk. */
  flush(): Promise<void> {
    return this.#file.flush();
  }

  /** Waits for what was accepted. Safe twice. */
  close(): Promise<void> {
    return this.#file.close();
  }

  async #keep(eventId: string, vconUuid: string, make: () => Promise<Envelope>): Promise<void> {
    if (!this.#kept.has(eventId)) {
      const { line, statement } = await make();
      try {
        await this.#file.append(line);
      } catch (cause) {
        throw new DeliveryError('an attestation could not be written', { cause });
      }
      this.#remember(line, statement);
    }
    await this.#record(eventId, vconUuid, this.#kept.get(eventId) ?? '');
  }

  #remember(line: string, statement: LinkStatement): void {
    const { event_id } = statement.predicate.environment;
    this.#kept.set(event_id, lineHash(line));
    const [oldest] = this.#kept.size > MAX_KEPT ? this.#kept.keys() : [];
    if (oldest !== undefined) this.#kept.delete(oldest);
    this.entrances.left(statement);
  }

  async #record(receipt_id: string, vcon_uuid: string, receipt_hash: string): Promise<void> {
    const { ledgerDirectory, tracer, log } = this.#settings;
    const ledger = ledgerIn(ledgerDirectory);
    if (!ledger) {
      log.warn(
        'ledger',
        `tracer ${tracer}: no tracer of this process has the ledger in ledger_directory open, so its attestations are not recorded there`,
      );
      return;
    }
    const entry: LedgerEntry = {
      record_id: `receipt/${receipt_hash}`,
      timestamp: new Date().toISOString(),
      retention_policy: ledger.policy,
      actor: 'conserver',
      event: 'receipt_kept',
      tracer,
      vcon_uuid,
      receipt_id,
      receipt_hash,
    };
    try {
      await ledger.append(entry);
    } catch (cause) {
      const permanent = cause instanceof RangeError;
      throw new DeliveryError('the ledger could not record an attestation', { permanent, cause });
    }
  }
}

/** As many as the ledger remembers records. */
const MAX_KEPT = 65_536;
