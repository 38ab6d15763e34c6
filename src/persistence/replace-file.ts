import { randomUUID } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { link, rename, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PRIVATE_FILE } from './private-file.ts';
import { syncFolder, syncFolderSync } from './sync-path.ts';

/**
 * Replaces a file, or creates it. A reader sees the old content or the new content, never a part, even after a power cut.
 * Resolves when the new content is on disk.
 * @param settings if `signal` aborts in time, nothing is replaced
 * @throws the system's error; the old file is then unchanged
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  settings: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  await placeWhole(path, content, settings, (temporary) => rename(temporary, path));
}

/**
 * As {@link replaceFile}, but never replaces anything.
 * @throws the system's error; `EEXIST` if the file exists
 */
export async function createFile(path: string, content: string | Uint8Array): Promise<void> {
  await placeWhole(path, content, {}, (temporary) => link(temporary, path));
}

/**
 * As {@link replaceFile}, but synchronous: for use at start-up, or once in a while.
 * @param settings `durable: false` does not wait for the disk: for a file that is synchronised later, or can be recreated
 */
export function replaceFileSync(
  path: string,
  content: string | Uint8Array,
  { durable = true }: { readonly durable?: boolean } = {},
): void {
  const temporary = temporaryBeside(path);
  try {
    writeFileSync(temporary, content, { flag: 'wx', mode: PRIVATE_FILE, flush: durable });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  if (durable) syncFolderSync(dirname(path));
}

async function placeWhole(
  path: string,
  content: string | Uint8Array,
  { signal }: { readonly signal?: AbortSignal },
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await writeFile(temporary, content, {
      flag: 'wx',
      mode: PRIVATE_FILE,
      flush: true,
      ...(signal && { signal }),
    });
    signal?.throwIfAborted();
    await place(temporary);
  } finally {
    // After a rename there is none. Not by `rm`, which holds the event loop up until the disk has done it.
    await unlink(temporary).catch(unlessMissing);
  }
  await syncFolder(dirname(path));
}

/** In the same folder, so that it can be renamed; hidden, and unique. */
function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
}

function unlessMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
