import { createHmac, hash, randomBytes, randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncPath } from './segments.ts';

/** Bytes of a vCon's key. */
const KEY_BYTES = 32;

/**
 * A random key for each vCon, in a file of its own, so that it can be destroyed: what is left of a content hash without
 * its key says nothing about the content. Keys are never kept in memory.
 */
export class KeyStore {
  readonly #folder: string;

  /** @param directory of the ledger */
  constructor(directory: string) {
    this.#folder = join(directory, 'keys');
  }

  /** The HMAC-SHA-256 of a text under the key of its vCon, made where there is none; undefined where it was destroyed. */
  async hmac(vconUuid: string, text: string): Promise<string | undefined> {
    const file = this.#file(vconUuid);
    if (existsSync(markOf(file))) return undefined;
    const key = (await readKey(file)) ?? (await createKey(file));
    const now = new Date();
    await utimes(file, now, now).catch(unlessMissing);
    if (!existsSync(markOf(file))) return createHmac('sha256', key).update(text).digest('hex');
    // It was destroyed while it was made.
    if (existsSync(file)) erase(file);
    return undefined;
  }

  /** A vCon's key; undefined where there is none. */
  read(vconUuid: string): Promise<Buffer | undefined> {
    return readKey(this.#file(vconUuid));
  }

  /**
   * Destroys a vCon's key for good: what comes later gets none either. Safe beside a process that uses the store.
   * @returns whether there was one
   */
  destroy(vconUuid: string): boolean {
    const file = this.#file(vconUuid);
    const folder = dirname(file);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // First, so that nobody makes a new one meanwhile.
    closeSync(openSync(markOf(file), 'a', 0o600));
    syncPath(folder);
    const existed = existsSync(file);
    if (existed) erase(file);
    syncPath(folder);
    return existed;
  }

  /**
   * Deletes the keys that were last used before a time, in milliseconds since the epoch. One by one and without holding
   * anybody up: there may be very many.
   */
  async expire(before: number): Promise<void> {
    for (const shard of await namesIn(this.#folder))
      for (const name of await namesIn(join(this.#folder, shard))) {
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

/** The file that says that a key was destroyed. */
function markOf(file: string): string {
  return `${file}.destroyed`;
}

async function readKey(file: string): Promise<Buffer | undefined> {
  const key = await readFile(file).catch(unlessMissing);
  return key?.length === KEY_BYTES ? key : undefined;
}

/** Seen whole or not at all, and on the disk before it is used: a hash whose key is lost could never be checked. */
async function createKey(file: string): Promise<Buffer> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomUUID()}.tmp`;
  const key = randomBytes(KEY_BYTES);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(key);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(temporary, file);
    const folder = await open(dirname(file), 'r');
    await folder.sync().finally(() => folder.close());
    return key;
  } catch (error) {
    // Another chain that has the same vCon was faster.
    const theirs = errorCode(error) === 'EEXIST' ? await readKey(file) : undefined;
    if (theirs) return theirs;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Overwritten first, which helps where the file system writes in place (docs/ledger.md says where it does not). */
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

/** As {@link erase}, without holding anybody up; somebody else may be faster. */
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
