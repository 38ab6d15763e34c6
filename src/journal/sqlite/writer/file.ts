import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { makeFolder } from '../../../persistence/make-folder.ts';
import { makePrivateFile } from '../../../persistence/private-file.ts';
import { syncFileSync, syncFolderSync } from '../../../persistence/sync-path.ts';

/** What SQLite keeps beside the database file. */
export const BESIDE = ['-wal', '-shm'] as const;

/** Links that are followed from one to the next; what goes on after that goes round. */
const MAX_LINKS = 40;

/** Where a journal is, or is to be made, whose path may be a symbolic link: what belongs to it stands there, not beside the link. */
export function followLinks(path: string): string {
  let at = path;
  for (let links = 0; links < MAX_LINKS; links += 1) {
    if (!lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink()) return at;
    at = resolve(realpathSync(dirname(at)), readlinkSync(at));
  }
  return at;
}

/**
 * Moves a file that cannot be used out of the way, with what belongs to it; nothing is deleted.
 * @param now milliseconds since the Unix epoch, for its name
 * @returns where it is now
 */
export function setAside(path: string, why: 'corrupt' | 'foreign', now: number): string {
  const stamp = new Date(now).toISOString().replaceAll(/[:.]/g, '-');
  const aside = `${path}.${why}-${stamp}`;
  for (const end of ['', ...BESIDE]) if (existsSync(path + end)) renameSync(path + end, aside + end);
  return aside;
}

/**
 * Reads a journal's files from end to end: those that a disk does not give are no corrupt ones.
 * @throws the system's error
 */
export function readThrough(path: string): void {
  const chunk = Buffer.alloc(1 << 20);
  for (const end of ['', '-wal']) {
    if (!existsSync(path + end)) continue;
    const file = openSync(path + end, 'r');
    try {
      for (let at = 0, read = 1; read > 0; at += read) read = readSync(file, chunk, 0, chunk.length, at);
    } finally {
      closeSync(file);
    }
  }
}

/** Which file stands at a path; undefined if none does. */
export function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

/** The file and its write-ahead log, as they are when a journal has been opened. */
export function identityOf(path: string): string {
  return `${inodeOf(path)} ${inodeOf(`${path}-wal`)}`;
}

/**
 * Writes a journal whose file was deleted under it back to its path: it can still be read by whoever has it open. What
 * stands at the path meanwhile is set aside.
 * @param now as for {@link setAside}
 */
export function writeBack(db: DatabaseSync, path: string, identity: string, now: number): void {
  makeFolder(dirname(path));
  const copy = `${path}.restored`;
  rmSync(copy, { force: true });
  makePrivateFile(copy);
  db.prepare('vacuum into ?').run(copy);
  syncFileSync(copy);
  const [inode] = identity.split(' ');
  if (existsSync(path) && String(inodeOf(path)) !== inode) setAside(path, 'foreign', now);
  for (const end of BESIDE) rmSync(path + end, { force: true });
  renameSync(copy, path);
  syncFolderSync(dirname(path));
}
