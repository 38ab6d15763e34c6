import { join } from 'node:path';
import { errorType } from '../../model/error.ts';
import { DurableFile } from '../../persistence/durable-file.ts';
import { replaceFile } from '../../persistence/replace-file.ts';
import { CHECKPOINT_FILE, HISTORY_FILE } from '../directory.ts';
import { openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import type { TileEdge } from '../proof/tile-edge.ts';
import { TileReader } from '../proof/tile-reader.ts';
import { type Anchor, requireGrown } from './anchor.ts';
import type { OwnKeys, SignedHead } from './own-keys.ts';
import { TileFiles } from './tile-files.ts';

/** What code passes to {@link Checkpointer}. */
export interface CheckpointerSettings {
  readonly directory: string;
  readonly keys: OwnKeys;
  /** Receives every checkpoint as well, and is compared with the ledger before each. */
  readonly anchor: Anchor | undefined;
  /** As `LedgerSettings.notice`. */
  readonly notice: (about: string, text: string) => void;
  /** Called with each checkpoint once it is on disk. */
  readonly signed: (note: string, head: TreeHead) => void;
  /** The newest checkpoint; undefined if there is none. */
  readonly newest: SignedHead | undefined;
  /** When it was signed, milliseconds since the Unix epoch; undefined if there is none. */
  readonly time: number | undefined;
  readonly historyBytes: number;
}

/** Signs durable records: writes the tiles of the tree, then the checkpoint, then the anchor. */
export class Checkpointer {
  readonly #settings: CheckpointerSettings;
  #newest: SignedHead | undefined;
  #time: number | undefined;
  readonly #history: DurableFile;
  readonly #tiles: TileFiles;
  #placing: Promise<void> = Promise.resolve();

  constructor(settings: CheckpointerSettings) {
    this.#settings = settings;
    this.#newest = settings.newest;
    this.#time = settings.time;
    const { directory, historyBytes: end } = settings;
    this.#tiles = new TileFiles(directory);
    this.#history = new DurableFile({ path: join(directory, HISTORY_FILE), create: true, end });
  }

  /** How many records the newest checkpoint covers. */
  get size(): number {
    return this.#newest?.head.size ?? 0;
  }

  /** When the newest checkpoint was signed, milliseconds since the Unix epoch. */
  get time(): number | undefined {
    return this.#time;
  }

  /**
   * Signs a checkpoint of the tree as it is now. One at a time.
   * @throws VconOtelError `LEDGER_ROLLED_BACK` where the anchor has a checkpoint that this tree has not grown from; the
   * system's error if it cannot be written: the next one catches up
   */
  async sign(edge: TileEdge): Promise<void> {
    const { keys, anchor, signed } = this.#settings;
    // A change of keys that was signed, and could not be finished.
    if (this.#newest) await keys.settle(this.#newest);
    const head: TreeHead = { origin: keys.origin, size: edge.frontier.size, root: edge.frontier.root() };
    if (head.size === this.size) return;
    this.#tiles.write(edge);
    this.#compare(head);
    await this.#tiles.sync();
    await this.#tiles.dropPartial();
    const note = keys.sign(head);
    await this.#history.append(note);
    this.#newest = { note, head };
    this.#time = Date.now();
    await this.#place(head.size, note);
    await keys.settle(this.#newest);
    await anchor?.append(note).catch((error: unknown) => this.#notAnchored(error));
    signed(note, head);
  }

  /** Puts a checkpoint with more signatures in the place of the newest, unless there is a newer one by now. @throws the system's error */
  cosigned(note: string): Promise<void> {
    const opened = openCheckpoint(note, []);
    return 'head' in opened ? this.#place(opened.head.size, note) : Promise.resolve();
  }

  /** One after the other, so that no older one comes last. */
  #place(size: number, note: string): Promise<void> {
    const placed = this.#placing.then(async () => {
      if (size === this.size) await replaceFile(join(this.#settings.directory, CHECKPOINT_FILE), note);
    });
    this.#placing = placed.catch(() => undefined);
    return placed;
  }

  /** With what has come to the anchor since the last time: usually the last checkpoint of this very ledger. */
  #compare({ size }: TreeHead): void {
    const { directory, anchor } = this.#settings;
    let heads: readonly TreeHead[] = [];
    try {
      heads = anchor?.unread() ?? [];
    } catch (error) {
      this.#notAnchored(error);
    }
    const tiles = new TileReader(directory, size);
    for (const head of heads) requireGrown(size, () => tiles.sizeRoot(head.size), head);
  }

  #notAnchored(error: unknown): void {
    const text = `the anchor could not be read, or a checkpoint not be written to it (${errorType(error)})`;
    this.#settings.notice('anchor', text);
  }

  /** Closes the history. */
  close(): Promise<void> {
    return this.#history.close();
  }

  /** Writes the tiles of the tree as it is now. */
  write(edge: TileEdge): void {
    this.#tiles.write(edge);
  }
}
