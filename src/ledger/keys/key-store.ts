import { hash, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { open, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '../../persistence/make-folder.ts';
import { PRIVATE_FILE } from '../../persistence/private-file.ts';
import { createFile } from '../../persistence/replace-file.ts';
import { syncFolderSync } from '../../persistence/sync-path.ts';
import { type HashAlgorithm, hmacOf } from '../hash-algorithm.ts';

/** Bytes of a vCon's key. */
const KEY_BYTES = 32;

/** The hash of a text under a vCon's key, and which key that is. */
export interface KeyedHash {
  readonly hash: string;
  /** See {@link commitmentTo}. */
  readonly commitment: string;
}

/** What became of a vCon's key. */
export type KeyState = 'kept' | 'destroyed' | 'none';

/**
 * What says which key something was hashed with, and nothing of the key: in hex, the SHA-256 of `vcon-otel content key`, a zero byte
 * and the key.
 */
export function commitmentTo(key: Buffer): string {
  return hash('sha256', Buffer.concat([COMMITMENT, key]), 'hex');
}

const COMMITMENT = Buffer.from('vcon-otel content key\0');

/**
 * A random key for each vCon, in a file of its own, so that it can be destroyed: without its key, a content hash says
 * nothing about the content. Keys are never kept in memory.
 */
export class KeyStore {
  readonly #folder: string;

  /** @param directory of the ledger */
  constructor(directory: string) {
    this.#folder = join(directory, 'keys');
  }

  /** As {@link keyed}, but the hash alone. */
  async hmac(vconUuid: string, text: string): Promise<string | undefined> {
    return (await this.keyed(vconUuid, text))?.hash;
  }

  /** The HMAC of a text under its vCon's key, which is created if missing; undefined if the key was destroyed. */
  async keyed(
    vconUuid: string,
    text: string,
    algorithm: HashAlgorithm = 'sha256',
  ): Promise<KeyedHash | undefined> {
    const file = this.#file(vconUuid);
    if (existsSync(markOf(file))) return undefined;
    const key = (await readKey(file)) ?? (await createKey(file));
    const now = new Date();
    await utimes(file, now, now).catch(unlessMissing);
    if (!existsSync(markOf(file)))
      return { hash: hmacOf(algorithm, key, text), commitment: commitmentTo(key) };
    // It was destroyed while it was being created.
    if (existsSync(file)) erase(file);
    return undefined;
  }

  /** A vCon's key; undefined if there is none. */
  read(vconUuid: string): Promise<Buffer | undefined> {
    return readKey(this.#file(vconUuid));
  }

  /** What a vCon's key, as it is now, commits to; undefined if there is none. */
  commitment(vconUuid: string): string | undefined {
    try {
      return commitmentTo(readFileSync(this.#file(vconUuid)));
    } catch (error) {
      return unlessMissing(error);
    }
  }

  /** Whether a vCon has a key, or had one that was destroyed. */
  knows(vconUuid: string): boolean {
    return this.state(vconUuid) !== 'none';
  }

  /** Whether a vCon has a key, had one that was destroyed, or never had one. */
  state(vconUuid: string): KeyState {
    const file = this.#file(vconUuid);
    if (existsSync(markOf(file))) return 'destroyed';
    return existsSync(file) ? 'kept' : 'none';
  }

  /**
   * Destroys a vCon's key for good: the vCon never gets another one. Safe while another process uses the store.
   * @returns whether there was a key
   */
  destroy(vconUuid: string): boolean {
    const file = this.#file(vconUuid);
    const folder = dirname(file);
    makeFolder(folder);
    // First, so that nobody creates a new one in the meantime.
    closeSync(openSync(markOf(file), 'a', PRIVATE_FILE));
    syncFolderSync(folder);
    const existed = existsSync(file);
    if (existed) erase(file);
    syncFolderSync(folder);
    return existed;
  }

  /**
   * Deletes the keys that were last used before a time, in milliseconds since the epoch: one by one and asynchronously, since
   * there may be very many.
   * @throws the reason of `signal` when that aborts
   */
  async expire(before: number, signal?: AbortSignal): Promise<void> {
    for (const shard of await namesIn(this.#folder))
      for (const name of await namesIn(join(this.#folder, shard))) {
        signal?.throwIfAborted();
        const file = join(this.#folder, shard, name);
        const found = await stat(file).catch(unlessMissing);
        if (found && found.mtimeMs < before) await eraseLater(file);
      }
  }

  /** A uuid need not be a file name. */
  #file(vconUuid: string): string {
    const name = hash('sha256', vconUuid, 'hex');
    return join(this.#folder, name.slice(0, 2), name.slice(2));
  }
}

/** The file that marks a key as destroyed. */
function markOf(file: string): string {
  return `${file}.destroyed`;
}

async function readKey(file: string): Promise<Buffer | undefined> {
  const key = await readFile(file).catch(unlessMissing);
  return key?.length === KEY_BYTES ? key : undefined;
}

/** On disk before it is used: a hash whose key is lost could never be checked. */
async function createKey(file: string): Promise<Buffer> {
  makeFolder(dirname(file));
  const key = randomBytes(KEY_BYTES);
  try {
    await createFile(file, key);
    return key;
  } catch (error) {
    // Another chain with the same vCon was faster.
    const theirs = errorCode(error) === 'EEXIST' ? await readKey(file) : undefined;
    if (theirs) return theirs;
    throw error;
  }
}

/** Overwrites the key first, which helps if the file system writes in place (docs/ledger.md says when it does not). */
function erase(file: string): void {
  const handle = openSync(file, 'r+');
  try {
    writeSync(handle, randomBytes(KEY_BYTES));
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  rmSync(file, { force: true });
}

/** As {@link erase}, but asynchronous; somebody else may be faster. */
async function eraseLater(file: string): Promise<void> {
  const handle = await open(file, 'r+').catch(unlessMissing);
  if (!handle) return;
  try {
    await handle.write(randomBytes(KEY_BYTES));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rm(file, { force: true });
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(unlessMissing)) ?? [];
}

function unlessMissing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error;
}

function errorCode(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code;
}
