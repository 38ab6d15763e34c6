import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errorType } from '../../src/model/error.ts';
import { startChild } from './child.ts';

/** A disk of its own that can be filled and made read-only, in a mount namespace. */
export interface SmallDisk {
  /** Where it is, for what runs under {@link under}. */
  readonly path: string;
  /** What runs something where the disk is. */
  readonly under: readonly string[];
  /** Takes all the room that is left; again, what there is meanwhile. */
  fill(): void;
  /** Gives it back. */
  makeRoom(): void;
  /** Mounts it read-only from here on: for files that are opened, as those that are open stay as they are. */
  mountReadOnly(): void;
  /** The opposite. */
  mountWritable(): void;
}

/** Whoever is not root becomes it in a namespace of users. */
const isRoot = process.getuid?.() === 0;
const UNSHARE = ['unshare', isRoot ? '-m' : '-Urm', '--'];
const NSENTER = ['nsenter', ...(isRoot ? ['-m'] : ['-U', '--preserve-credentials', '-m'])];

/** @returns what is missing to have one, in words */
export function missingSmallDisk(): string | undefined {
  const [command = '', ...rest] = UNSHARE;
  const { error, status } = spawnSync(command, [...rest, 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp'], {
    stdio: 'ignore',
  });
  if (error) return 'install the Debian package util-linux (unshare)';
  return status === 0 ? undefined : 'this process may not mount anything, not even for itself (unshare -m)';
}

/** Mounts one in a folder. It is gone when this process ends its children. */
export async function smallDisk(path: string, size: string): Promise<SmallDisk> {
  mkdirSync(path);
  const holder = startChild('small-disk-child.ts', [path, size], { under: UNSHARE });
  await holder.until(() => true);
  const under = [...NSENTER, '-t', String(holder.pid), '--'];
  const [command = '', ...rest] = under;
  const run = (...args: string[]) => execFileSync(command, [...rest, ...args]);
  const filler = join('/proc', String(holder.pid), 'root', path, 'filler');
  let file: number | undefined;
  return {
    path,
    under,
    fill: () => {
      file ??= openSync(filler, 'a');
      fill(file);
    },
    makeRoom: () => {
      if (file === undefined) return;
      // By what is open, as the disk may be read-only by now.
      ftruncateSync(file);
      closeSync(file);
      file = undefined;
    },
    mountReadOnly: () => {
      // On top, since nothing can be made read-only in which a file is open for writing.
      run('mount', '--bind', path, path);
      for (let tries = 600; ; tries -= 1)
        try {
          run('mount', '-o', 'remount,bind,ro', path);
          return;
        } catch (error) {
          // Somebody may have opened a file there in between.
          if (tries === 0) throw error;
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
        }
    },
    // Even if something is open there.
    mountWritable: () => run('umount', '--lazy', path),
  };
}

/** To the last byte. */
function fill(file: number): void {
  for (let size = 1 << 16; size > 0; size >>= 1) while (hasRoom(file, size));
}

function hasRoom(file: number, size: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(size)) === size;
  } catch (error) {
    if (errorType(error) !== 'ENOSPC') throw error;
    return false;
  }
}
