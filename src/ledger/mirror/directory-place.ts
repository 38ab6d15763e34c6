import { constants } from 'node:fs';
import { open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorType } from '../../model/error.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { PRIVATE_FILE } from '../../persistence/private-file.ts';
import { replaceFile } from '../../persistence/replace-file.ts';
import { syncFile, syncFolder } from '../../persistence/sync-path.ts';
import { readFully } from './local-file.ts';
import type { MirrorFile, MirrorPlace } from './place.ts';

/**
 * A second copy in a directory, which is itself a ledger that can be verified. The directory must be there: where a disk is not
 * mounted it is missing, and nothing may be written in its place.
 */
export class DirectoryPlace implements MirrorPlace {
  readonly name: string;

  constructor(path: string) {
    this.name = path;
  }

  async list(folder: string): Promise<Map<string, number>> {
    await stat(this.name);
    const found = new Map<string, number>();
    const root = join(this.name, folder);
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(unlessMissing);
    for (const entry of entries ?? []) {
      if (!entry.isFile() || entry.name.startsWith('.')) continue;
      const path = join(entry.parentPath, entry.name);
      const { size } = (await stat(path).catch(unlessMissing)) ?? {};
      const name = path.slice(join(this.name, '/').length).replaceAll('\\', '/');
      if (size !== undefined) found.set(name, size);
    }
    return found;
  }

  async read(name: string, from = 0, length?: number): Promise<Buffer | undefined> {
    const file = await open(join(this.name, name), 'r').catch(unlessMissing);
    if (!file) {
      await stat(this.name);
      return undefined;
    }
    try {
      const wanted = length ?? Math.max(0, (await file.stat()).size - from);
      return await readFully(file, from, wanted);
    } finally {
      await file.close();
    }
  }

  async append(name: string, from: number, data: Uint8Array): Promise<void> {
    const path = join(this.name, name);
    const folder = dirname(path);
    await this.#makeFolders(name);
    const isNew = (await stat(path).catch(unlessMissing)) === undefined;
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, PRIVATE_FILE);
    try {
      if ((await file.stat()).size < from) throw new Error('the file of the mirror has become shorter');
      await file.truncate(from);
      for (let at = 0; at < data.length; )
        at += (await file.write(data, at, data.length - at, from + at)).bytesWritten;
      await file.datasync();
    } finally {
      await file.close();
    }
    if (isNew) await syncFolder(folder);
  }

  async put(files: readonly MirrorFile[]): Promise<void> {
    // Many at a time, so that the file system can sync them together.
    for (let i = 0; i < files.length; i += AT_ONCE)
      await Promise.all(files.slice(i, i + AT_ONCE).map((file) => this.#put(file)));
    for (const folder of new Set(files.map(({ name }) => dirname(join(this.name, name)))))
      await syncFolder(folder);
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.name, name), { recursive: true, force: true });
  }

  async close(): Promise<void> {}

  async #put({ name, data }: MirrorFile): Promise<void> {
    const path = join(this.name, name);
    await this.#makeFolders(name);
    if (name.includes('/')) {
      // Nothing says that it is there before it is whole and on disk.
      await writeFile(path, data, { mode: PRIVATE_FILE });
      await syncFile(path);
    } else await replaceFile(path, data);
  }

  /** The folders of a file, but never the place itself. */
  async #makeFolders(name: string): Promise<void> {
    await stat(this.name);
    makeFolder(dirname(join(this.name, name)));
  }
}

/** Files that may be open at once. */
const AT_ONCE = 32;

function unlessMissing(error: unknown): undefined {
  if (errorType(error) !== 'ENOENT') throw error;
}
