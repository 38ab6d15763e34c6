import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { signCheckpoint, type TreeHead } from './checkpoint.ts';
import { appendDurably, CHECKPOINT_FILE, HISTORY_FILE, replaceFile, syncFile, writeEnd } from './files.ts';
import type { Signer } from './note.ts';
import { type Tile, type TileEdge, writeTiles } from './tiles.ts';

/** What a {@link Checkpointer} is made of. */
export interface CheckpointerSettings {
  readonly directory: string;
  readonly signer: Signer;
  /** A file, best on another machine's disk, that gets every checkpoint as well. */
  readonly anchor: string | undefined;
  /** Told when the anchor could not be written. */
  readonly notAnchored: (error: unknown) => void;
  /** Of the newest checkpoint. */
  readonly size: number;
  /** When it was signed, milliseconds since the Unix epoch; undefined where there is none. */
  readonly time: number | undefined;
  readonly historyBytes: number;
}

/** Signs what is durable: writes the tiles of the tree, then the checkpoint, then the anchor. */
export class Checkpointer {
  readonly #settings: CheckpointerSettings;
  #size: number;
  #time: number | undefined;
  #historyBytes: number;
  /** Full tiles that are still to be written, and those that may not be on the disk. */
  readonly #unwritten: Tile[] = [];
  readonly #unsynced = new Set<string>();
  /** Full tiles beside which there may be partial ones. */
  readonly #filled: string[] = [];

  constructor(settings: CheckpointerSettings) {
    this.#settings = settings;
    this.#size = settings.size;
    this.#time = settings.time;
    this.#historyBytes = settings.historyBytes;
  }

  /** Records that the newest checkpoint has. */
  get size(): number {
    return this.#size;
  }

  /** When the newest checkpoint was signed, milliseconds since the Unix epoch. */
  get time(): number | undefined {
    return this.#time;
  }

  /**
   * Signs a checkpoint of the tree as it is now. One at a time.
   * @throws the system's error where it cannot be written; the next one makes up for it
   */
  async sign(edge: TileEdge): Promise<void> {
    const { directory, signer, anchor, notAnchored } = this.#settings;
    const head: TreeHead = { origin: signer.name, size: edge.frontier.size, root: edge.frontier.root() };
    if (head.size === this.#size) return;
    this.write(edge);
    await this.#sync();
    await this.#dropPartial();
    const note = signCheckpoint(head, signer);
    await writeEnd(join(directory, HISTORY_FILE), this.#historyBytes, note);
    this.#historyBytes += Buffer.byteLength(note);
    this.#size = head.size;
    this.#time = Date.now();
    await replaceFile(join(directory, CHECKPOINT_FILE), note);
    if (anchor !== undefined) await appendDurably(anchor, note).catch(notAnchored);
  }

  /** Writes the tiles of the tree as it is now. */
  write(edge: TileEdge): void {
    const { directory } = this.#settings;
    this.#unwritten.push(...edge.takeFull());
    writeTiles(directory, this.#unwritten);
    for (const { path } of this.#unwritten.splice(0)) {
      this.#unsynced.add(path);
      this.#filled.push(path);
    }
    const partial = edge.partial();
    writeTiles(directory, partial);
    for (const { path } of partial) this.#unsynced.add(path);
  }

  /** Has the tiles on the disk. */
  async #sync(): Promise<void> {
    const { directory } = this.#settings;
    const files = [...this.#unsynced, ...foldersOf(this.#unsynced)];
    // Together, so that the file system can bring many to the disk at once.
    for (let i = 0; i < files.length; i += SYNCED_AT_ONCE)
      await Promise.all(files.slice(i, i + SYNCED_AT_ONCE).map((file) => syncFile(join(directory, file))));
    this.#unsynced.clear();
  }

  /** Partial tiles of what is a full one by now. */
  async #dropPartial(): Promise<void> {
    for (const path of this.#filled.splice(0))
      await rm(join(this.#settings.directory, `${path}.p`), { recursive: true, force: true });
  }
}

/** Files that may be open for it. */
const SYNCED_AT_ONCE = 32;

/** Every folder on the way to these files. */
function foldersOf(paths: Iterable<string>): Set<string> {
  return new Set(
    [...paths].flatMap((path) => {
      const parts = path.split('/');
      return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'));
    }),
  );
}
