import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readText, replaceAtOnce } from './files.ts';
import { KeyStore } from './key-store.ts';

/** Somebody destroyed the key of a vCon, which the ledger has still to record. */
export interface ShredRequest {
  readonly file: string;
  readonly vconUuid: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly recordId: string;
}

/**
 * Destroys the key of a vCon, and leaves word for whoever has the ledger open, or opens it next, to record it.
 * @returns whether there was a key
 */
export function shredKey(directory: string, vconUuid: string): boolean {
  const existed = new KeyStore(directory).destroy(vconUuid);
  const time = Date.now();
  const folder = join(directory, FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  replaceAtOnce(join(folder, `${time}-${hash('sha256', vconUuid, 'hex')}`), vconUuid, 0o600);
  return existed;
}

/** What was left for the ledger to record. */
export function openRequests(directory: string): ShredRequest[] {
  const folder = join(directory, FOLDER);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const [, time, digest] = /^(\d{1,16})-([0-9a-f]{64})$/.exec(name) ?? [];
      const vconUuid = readText(join(folder, name));
      if (time === undefined || vconUuid === undefined || hash('sha256', vconUuid, 'hex') !== digest)
        return [];
      return [{ file: join(folder, name), vconUuid, time: Number(time), recordId: `shred/${name}` }];
    });
}

/** A request is recorded. */
export function doneRequest({ file }: ShredRequest): void {
  rmSync(file, { force: true });
}

const FOLDER = 'shredded';
