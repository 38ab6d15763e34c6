import { closeSync, fsyncSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';

/** Waits until a file's content is on disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Waits until a folder's entries are on disk: otherwise a new file may be gone after a power cut. */
export async function syncFolder(path: string): Promise<void> {
  if (NEEDED) await syncFile(path);
}

/** As {@link syncFile}, but synchronous: for use at start-up, or once in a while. */
export function syncFileSync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** As {@link syncFolder}, but synchronous. */
export function syncFolderSync(path: string): void {
  if (NEEDED) syncFileSync(path);
}

/** Windows cannot open a folder, and does not need it. */
const NEEDED = process.platform !== 'win32';
