import { existsSync, statSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { VconOtelError } from '../../model/error.ts';
import { PRIVATE_FILE } from '../../persistence/private-file.ts';
import { createFile } from '../../persistence/replace-file.ts';
import { openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import { readHistory } from '../proof/checkpoint-history.ts';
import type { Verifier } from '../proof/note.ts';

/**
 * The file in which checkpoints are kept where whoever can write the ledger cannot reach them. A ledger that has not grown
 * from each of them is an older copy, or another history.
 */
export class Anchor {
  readonly #path: string;
  readonly #verifiers: () => readonly Verifier[];
  /** Bytes that were read: the checkpoint that comes next starts there. */
  #read = 0;
  #newest: TreeHead | undefined;

  /** @param verifiers of the ledger's keys, as they are by then: checkpoints of other ledgers may be there, too */
  constructor(path: string, verifiers: () => readonly Verifier[]) {
    this.#path = path;
    this.#verifiers = verifiers;
  }

  /** Where it is, and how many records the newest checkpoint of this ledger covers that is known to be there. */
  get standing(): { readonly path: string; readonly size: number } {
    return { path: this.#path, size: this.#newest?.size ?? 0 };
  }

  /**
   * The tree heads of this ledger that were appended since the last call, by whomever: of the first call the newest one only,
   * since they have grown from each other (`audit verify --since` compares them all).
   * @throws the system's error if the file cannot be read
   */
  unread(): TreeHead[] {
    const heads = this.#unread();
    this.#newest = heads.at(-1) ?? this.#newest;
    return heads;
  }

  #unread(): TreeHead[] {
    const bytes = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    // Somebody has put another file in its place.
    if (bytes < this.#read) this.#read = 0;
    const isFirst = this.#read === 0;
    const notes: string[] = [];
    for (const { note, offset, whole } of readHistory(this.#path, { from: this.#read })) {
      if (!whole) break;
      this.#read = offset + Buffer.byteLength(note);
      notes.push(note);
      if (isFirst && notes.length > NEWEST) notes.shift();
    }
    if (!isFirst) return notes.flatMap((note) => this.#own(note));
    for (const note of notes.reverse()) {
      const own = this.#own(note);
      if (own.length > 0) return own;
    }
    return [];
  }

  /** Appends a checkpoint. Resolves when it is on the disk. @throws the system's error */
  async append(note: string): Promise<void> {
    // Whoever reads it never finds it empty, where its file system has links.
    if (existsSync(this.#path) || !(await isCreated(this.#path, note)))
      await appendFile(this.#path, note, { flush: true, mode: PRIVATE_FILE });
    [this.#newest = this.#newest] = this.#own(note);
  }

  #own(note: string): TreeHead[] {
    const own = this.#verifiers();
    const opened = openCheckpoint(note, own);
    return opened.state === 'signed' && own.some(({ name }) => name === opened.head.origin)
      ? [opened.head]
      : [];
  }
}

async function isCreated(path: string, note: string): Promise<boolean> {
  return createFile(path, note).then(
    () => true,
    () => false,
  );
}

/** How many checkpoints of others, or of nobody, may come after the newest of a ledger. */
const NEWEST = 1_024;

/**
 * Compares a ledger with a tree head of its own that was kept elsewhere.
 * @param size of the ledger
 * @param root of its first records, as many as that head has
 * @param keeper who kept it
 * @throws VconOtelError `LEDGER_ROLLED_BACK`
 */
export function requireGrown(size: number, root: () => Buffer, head: TreeHead, keeper = 'the anchor'): void {
  if (head.size > size)
    throw rolledBack(`${keeper} has a checkpoint of ${head.size} records, of which ${size} are here`);
  if (!root().equals(head.root))
    throw rolledBack(`the first ${head.size} records are not those of a checkpoint that ${keeper} has`);
}

function rolledBack(how: string): VconOtelError {
  return new VconOtelError(
    'LEDGER_ROLLED_BACK',
    `${how}: an older copy of the ledger was put back, its end was cut off, or a copy went on elsewhere; nothing is recorded or signed`,
  );
}
