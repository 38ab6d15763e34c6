import { readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFile, syncFolder } from '../../persistence/sync-path.ts';
import { fullPath, type Tile, writeTiles } from '../proof/tile.ts';
import type { TileEdge } from '../proof/tile-edge.ts';

/** The files of a growing tree's tiles. */
export class TileFiles {
  readonly #directory: string;
  /** Full tiles that are still to be written, and the paths of tiles that may not be on disk yet. */
  readonly #unwritten: Tile[] = [];
  readonly #unsynced = new Set<string>();
  /** Full tiles that partial ones were written for, and those of them that exist by now. */
  readonly #begun = new Set<string>();
  readonly #filled: string[] = [];

  /** @param directory of the ledger */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Writes the tiles of the tree as it is now, without waiting for the disk. @throws the system's error; the next call catches up */
  write(edge: TileEdge): void {
    this.#unwritten.push(...edge.takeFull());
    writeTiles(this.#directory, this.#unwritten);
    for (const { path } of this.#unwritten.splice(0)) {
      this.#unsynced.add(path);
      if (this.#begun.delete(path)) this.#filled.push(path);
    }
    const partial = edge.partial();
    writeTiles(this.#directory, partial);
    for (const { path } of partial) {
      this.#unsynced.add(path);
      this.#begun.add(fullPath(path));
    }
  }

  /** Waits until everything written is on disk. @throws as {@link write} */
  async sync(): Promise<void> {
    await this.#each([...this.#unsynced], syncFile);
    await this.#each([...foldersOf(this.#unsynced)], syncFolder);
    this.#unsynced.clear();
  }

  /** Deletes partial tiles whose full tile exists by now. */
  async dropPartial(): Promise<void> {
    for (const path of this.#filled.splice(0)) {
      // Not by `rm`, which holds the event loop up until the disk has done it.
      const folder = join(this.#directory, `${path}.p`);
      for (const name of await readdir(folder)) await unlink(join(folder, name));
      await rmdir(folder);
    }
  }

  /** Many at a time, so that the file system can sync them together. */
  async #each(paths: readonly string[], work: (path: string) => Promise<void>): Promise<void> {
    for (let i = 0; i < paths.length; i += SYNCED_AT_ONCE)
      await Promise.all(paths.slice(i, i + SYNCED_AT_ONCE).map((path) => work(join(this.#directory, path))));
  }
}

/** Files that may be open at once. */
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
