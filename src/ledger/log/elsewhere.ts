import { join } from 'node:path';
import { CHECKPOINT_FILE, readText } from '../directory.ts';
import { Mirroring } from '../mirror/mirroring.ts';
import type { TreeHead } from '../proof/checkpoint.ts';
import { Witnessing } from '../witness/witnessing.ts';
import type { LedgerSettings } from './ledger-settings.ts';
import type { LedgerStanding } from './ledger-standing.ts';
import type { OwnKeys } from './own-keys.ts';

/** What the ledger does with what is heard elsewhere. */
export interface ElsewhereSettings {
  /** Puts a checkpoint with more signatures in the place of the newest. */
  readonly cosigned: (note: string) => Promise<void>;
  /** Hears what shows that the ledger is not what it was. */
  readonly contradicted: (error: unknown) => void;
}

/** Who elsewhere has each checkpoint: witnesses, and a mirror. Nothing waits for them. */
export class Elsewhere {
  readonly #directory: string;
  readonly #witnessing: Witnessing | undefined;
  readonly #mirroring: Mirroring | undefined;

  constructor(settings: LedgerSettings, keys: OwnKeys, { cosigned, contradicted }: ElsewhereSettings) {
    const { directory, notice, witnessing, mirror } = settings;
    const shared = { directory, own: keys.verifiers, origin: keys.origin, notice, contradicted };
    this.#directory = directory;
    this.#mirroring = mirror && new Mirroring({ ...shared, place: mirror });
    this.#witnessing =
      witnessing &&
      new Witnessing({
        ...witnessing,
        ...shared,
        cosigned: async (note) => {
          await cosigned(note);
          this.#mirroring?.ask(0);
        },
      });
  }

  /** Tells of the checkpoint that a ledger is opened with: somebody may have been down when it was signed. */
  resume(head: TreeHead | undefined): void {
    if (head) this.signed(readText(join(this.#directory, CHECKPOINT_FILE)) ?? '', head);
    else this.#mirroring?.ask(0);
  }

  /** Tells of a checkpoint that is on disk. */
  signed(note: string, head: TreeHead): void {
    this.#witnessing?.ask(note, head);
    this.#mirroring?.ask(head.size);
  }

  /** How they stand to a ledger of so many records. */
  standing(size: number): Pick<LedgerStanding, 'witnesses' | 'quorum' | 'mirror'> {
    const { witnesses, quorum } = this.#witnessing?.standing ?? { witnesses: [], quorum: undefined };
    return { witnesses, quorum, mirror: this.#mirroring?.standing(size) };
  }

  /** What somebody should look at, in sentences. */
  get troubles(): readonly string[] {
    return [...(this.#witnessing?.troubles ?? []), ...(this.#mirroring?.troubles ?? [])];
  }

  /** Gives what is under way some seconds. Safe twice. */
  async close(): Promise<void> {
    await Promise.all([this.#witnessing?.close(), this.#mirroring?.close()]);
  }
}
