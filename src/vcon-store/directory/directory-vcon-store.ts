import { type Dirent, statSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withDeadline } from '../../model/deadline.ts';
import { type ErrorCode, errorType, VconOtelError } from '../../model/error.ts';
import { MAX_VCON_LENGTH, parseVcon, type VconStore } from '../../model/vcon.ts';
import { packedText } from '../../persistence/packed-text.ts';
import { replaceFile } from '../../persistence/replace-file.ts';

/** What code passes to {@link directoryVconStore}. */
export interface DirectoryVconStoreSettings {
  /** An existing directory. */
  readonly path: string;
}

/**
 * Keeps each document in `<path>/<uuid>.vcon.json`, and reads it too where others have put it: with another of the {@link ENDINGS}, or in
 * a folder of its day, `YYYY/MM/DD`, as the conserver's own file storage does. A reader sees a write whole or not at all. A uuid that is not
 * a plain file name reads as undefined and is refused by `write` with VconOtelError `VCON_INVALID`; one
 * document of more than {@link MAX_VCON_LENGTH} bytes is refused with `VCON_TOO_LARGE`.
 * @throws VconOtelError `FILE_UNUSABLE` if there is no such directory
 */
export function directoryVconStore({ path }: DirectoryVconStoreSettings): VconStore {
  requireDirectory(path);
  return {
    read: async (uuid) => (SAFE_NAME.test(uuid) ? inTime(readVcon(path, uuid)) : undefined),
    write: async (uuid, text) => {
      if (!SAFE_NAME.test(uuid)) throw new VconOtelError('VCON_INVALID', 'vCon uuid is not a plain name');
      requireLength(Buffer.byteLength(text));
      await inTime(replaceFile(join(path, uuid + ENDINGS[0]), text));
    },
    close: async () => {},
  };
}

/**
 * A file of {@link listVcons}: a document, or the reason why it is not one. `file` is its name in the directory, which like
 * `text` may hold personal data: neither belongs on a span or in a log.
 */
export type ListedVcon =
  | { readonly file: string; readonly uuid: string | undefined; readonly text: string }
  | { readonly file: string; readonly error: VconOtelError };

/**
 * Reads the files of somebody's directory that end as vCons do, and those in folders of days below it, in the order of their names, one
 * at a time. The uuid is the document's own, whatever the file is called, and undefined if it has none in
 * the clear. A file that cannot be read or holds no vCon is listed with the error, and so is one of another ending.
 * @throws VconOtelError `FILE_UNUSABLE` if the directory cannot be read
 */
export async function* listVcons(path: string): AsyncGenerator<ListedVcon, void, undefined> {
  for (const file of await filesIn(path)) yield await listedVcon(path, file);
  for (const day of await dayFolders(path))
    for (const file of await filesIn(join(path, day))) yield await listedVcon(path, join(day, file));
}

/** One path segment, never hidden and never `..`, short enough for a suffix. */
const SAFE_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;
/** How files of vCons end: the registered extension is `.vcon` (draft-ietf-vcon-vcon-core), the conserver writes `.json`. */
export const ENDINGS = ['.vcon.json', '.json', '.vcon', '.vcon.json.gz', '.json.gz', '.vcon.gz'] as const;
/** Milliseconds that a file operation may take: a network disk can hang forever. */
const TIMEOUT = 30_000;

function requireDirectory(path: string): void {
  let reason = 'ENOTDIR';
  try {
    if (statSync(path).isDirectory()) return;
  } catch (error) {
    reason = errorType(error);
  }
  throw new VconOtelError('FILE_UNUSABLE', `the directory of vCons cannot be used (${reason})`);
}

/** Undefined if there is no such file: the folder itself is looked at first, then its days, the newest first. */
async function readVcon(path: string, uuid: string): Promise<string | undefined> {
  const here = await firstText(path, uuid);
  if (here !== undefined) return here;
  for (const day of (await dayFolders(path)).reverse()) {
    const text = await firstText(join(path, day), uuid);
    if (text !== undefined) return text;
  }
  return undefined;
}

async function firstText(folder: string, uuid: string): Promise<string | undefined> {
  for (const ending of ENDINGS) {
    const text = await readText(join(folder, uuid + ending));
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Undefined if there is no such file. */
async function readText(path: string): Promise<string | undefined> {
  try {
    const file = await stat(path);
    // Opening a named pipe would wait for a writer.
    if (!file.isFile()) return undefined;
    requireLength(file.size);
    return await packedText(await readFile(path), MAX_VCON_LENGTH);
  } catch (error) {
    if (errorType(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function requireLength(bytes: number): void {
  if (bytes > MAX_VCON_LENGTH)
    throw new VconOtelError('VCON_TOO_LARGE', `vCon is larger than ${MAX_VCON_LENGTH} bytes`);
}

/** The folders `YYYY/MM/DD` below a folder, the oldest first. */
async function dayFolders(path: string): Promise<string[]> {
  let folders = [''];
  for (const name of [/^\d{4}$/, /^\d{2}$/, /^\d{2}$/]) {
    const below = folders.map(async (folder) => {
      const entries = await entriesOf(join(path, folder));
      const matching = entries.filter((entry) => entry.isDirectory() && name.test(entry.name));
      return matching.map((entry) => join(folder, entry.name)).sort();
    });
    folders = (await Promise.all(below)).flat();
  }
  return folders;
}

/** Whatever is not hidden, but for folders that are not called as a vCon is, in the order of its names. */
async function filesIn(path: string): Promise<string[]> {
  const entries = await entriesOf(path);
  const shown = entries.filter(({ name }) => !name.startsWith('.'));
  return shown.flatMap((entry) => (!entry.isDirectory() || isNamed(entry.name) ? entry.name : [])).sort();
}

function isNamed(file: string): boolean {
  return ENDINGS.some((ending) => file.endsWith(ending));
}

async function entriesOf(path: string): Promise<Dirent[]> {
  try {
    return await withDeadline(readdir(path, { withFileTypes: true }), TIMEOUT, 'reading a directory');
  } catch (error) {
    throw new VconOtelError('FILE_UNUSABLE', `the directory of vCons cannot be read (${errorType(error)})`);
  }
}

async function listedVcon(path: string, file: string): Promise<ListedVcon> {
  try {
    if (!isNamed(file)) throw new VconOtelError('FILE_UNUSABLE', `not called ${ENDINGS.join(', ')}`);
    const text = await withDeadline(readText(join(path, file)), TIMEOUT, 'reading a file');
    if (text === undefined) throw new VconOtelError('FILE_UNUSABLE', 'not a regular file');
    const json = withoutByteOrderMark(text);
    return { file, uuid: parseVcon(json).uuid, text: json };
  } catch (error) {
    return { file, error: asOurs(error, 'FILE_UNUSABLE') };
  }
}

/** RFC 8259 §8.1 lets a reader ignore the byte order mark, and editors on Windows write it. */
function withoutByteOrderMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  try {
    return await withDeadline(work, TIMEOUT, 'a file operation');
  } catch (error) {
    throw asOurs(error, 'STORE_UNAVAILABLE');
  }
}

/** Without the cause: the system's own error names the file. */
function asOurs(error: unknown, code: ErrorCode): VconOtelError {
  if (error instanceof VconOtelError && error.code !== 'TIMEOUT') return error;
  return new VconOtelError(code, `a vCon file cannot be used (${errorType(error)})`);
}
