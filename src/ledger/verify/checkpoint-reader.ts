import { statSync } from 'node:fs';
import { join } from 'node:path';
import { HISTORY_FILE } from '../directory.ts';
import { openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import { type KeptCheckpoint, readHistory } from '../proof/checkpoint-history.ts';
import type { Verifier } from '../proof/note.ts';
import { Found, type LedgerFault } from './verdict.ts';

/** A checkpoint of the history. */
export interface HistoryCheckpoint {
  readonly note: string;
  readonly offset: number;
  readonly head: TreeHead;
  readonly state: 'signed' | 'unknown_key';
}

/** The checkpoints of a ledger, one after the other, as they were when this was created, since a ledger may be growing. */
export class CheckpointReader {
  readonly file = HISTORY_FILE;
  /** How many records the last checkpoint covers, whoever signed it. */
  readonly lastSize: number;
  readonly #kept: Generator<KeptCheckpoint, void>;
  readonly #verifiers: readonly Verifier[];
  #next: HistoryCheckpoint | undefined;
  #newest: HistoryCheckpoint | undefined;
  #previous: HistoryCheckpoint | undefined;
  #fault: Found | undefined;
  #torn: LedgerFault | undefined;
  #count = 0;

  constructor(directory: string, verifiers: readonly Verifier[]) {
    const path = join(directory, HISTORY_FILE);
    const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    let lastSize = 0;
    for (const { note } of readHistory(path, { end: bytes })) {
      const opened = openCheckpoint(note, []);
      if ('head' in opened) lastSize = opened.head.size;
    }
    this.lastSize = lastSize;
    this.#kept = readHistory(path, { end: bytes });
    this.#verifiers = verifiers;
    this.#advance();
  }

  /** The next checkpoint; undefined at the end, and at one that cannot be trusted. */
  get next(): HistoryCheckpoint | undefined {
    return this.#next;
  }

  /** Goes on to the one after it. */
  take(): void {
    this.#count += 1;
    this.#previous = this.#newest;
    this.#newest = this.#next;
    this.#advance();
  }

  /** The last two that were read, and how many there were. */
  get newest(): HistoryCheckpoint | undefined {
    return this.#newest;
  }

  get previous(): HistoryCheckpoint | undefined {
    return this.#previous;
  }

  get count(): number {
    return this.#count;
  }

  /** Why reading ended before the end of the file. */
  get fault(): Found | undefined {
    return this.#fault;
  }

  /** Where a crash left a checkpoint unfinished. */
  get torn(): LedgerFault | undefined {
    return this.#torn;
  }

  /** Releases the file. */
  close(): void {
    this.#kept.return();
  }

  #advance(): void {
    this.#next = undefined;
    const { value, done } = this.#kept.next();
    if (done) return;
    const { note, offset, whole } = value;
    const fault = (reason: string): LedgerFault => ({ file: HISTORY_FILE, offset, reason });
    if (!whole) {
      this.#torn = fault('is unfinished');
      return;
    }
    const opened = openCheckpoint(note, this.#verifiers);
    if ('head' in opened) this.#next = { note, offset, head: opened.head, state: opened.state };
    else if (opened.state === 'forged') this.#fault = new Found(fault(WRONG_SIGNATURE), 'bad_signature');
    else this.#fault = new Found(fault('a checkpoint is not one'));
  }
}

/** What is said of a signature of the right name and key id that does not verify. */
export const WRONG_SIGNATURE =
  'the signature of a checkpoint does not verify: the checkpoint or its signature was changed';
