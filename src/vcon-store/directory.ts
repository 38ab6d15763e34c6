import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withDeadline } from '../model/deadline.ts';
import { type ErrorCode, errorType, VconOtelError } from '../model/error.ts';
import { MAX_VCON_LENGTH, parseVcon, type VconStore } from '../model/vcon.ts';

/** What code passes to {@link directoryVconStore}. */
export interface DirectoryVconStoreSettings {
  /** An existing directory. */
  readonly path: string;
}

/**
 * Keeps each document in `<path>/<uuid>.vcon.json`. A write is seen whole or not at all. A uuid that is not
 * a plain file name reads as undefined and is refused by `write` with VconOtelError `VCON_INVALID`; one
 * document of more than {@link MAX_VCON_LENGTH} bytes is refused with `VCON_TOO_LARGE`.
 * @throws VconOtelError `FILE_UNUSABLE` where there is no such directory
 */
export function directoryVconStore({ path }: DirectoryVconStoreSettings): VconStore {
  requireDirectory(path);
  return {
    read: async (uuid) => (SAFE_NAME.test(uuid) ? inTime(readText(join(path, uuid + SUFFIX))) : undefined),
    write: async (uuid, text) => {
      if (!SAFE_NAME.test(uuid)) throw new VconOtelError('VCON_INVALID', 'vCon uuid is not a plain name');
      requireLength(Buffer.byteLength(text));
      await inTime(replaceFile(path, uuid + SUFFIX, text));
    },
    close: async () => {},
  };
}

/**
 * A file of {@link listVcons}: a document, or why it is none. `file` is its name in the directory, which like
 * `text` may hold personal data: neither belongs on a span or in a log.
 */
export type ListedVcon =
  | { readonly file: string; readonly uuid: string | undefined; readonly text: string }
  | { readonly file: string; readonly error: VconOtelError };

/**
 * Reads the `*.json` files of somebody's directory (hence `*.vcon.json` too) in the order of their names, one
 * at a time. The uuid is the document's own, whatever the file is called, and undefined where it has none in
 * the clear. A file that cannot be read or holds no vCon is listed with the error.
 * @throws VconOtelError `FILE_UNUSABLE` where the directory cannot be read
 */
export async function* listVcons(path: string): AsyncGenerator<ListedVcon, void, undefined> {
  for (const file of await jsonFiles(path)) yield await listedVcon(path, file);
}

/** One path segment, never hidden and never `..`, short enough for a suffix. */
const SAFE_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;
const SUFFIX = '.vcon.json';
/** Milliseconds a file operation may take: a network disk can hang for ever. */
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

/** undefined where there is no such file. */
async function readText(path: string): Promise<string | undefined> {
  try {
    const file = await stat(path);
    // Opening a named pipe would wait for a writer.
    if (!file.isFile()) return undefined;
    requireLength(file.size);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorType(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function requireLength(bytes: number): void {
  if (bytes > MAX_VCON_LENGTH)
    throw new VconOtelError('VCON_TOO_LARGE', `vCon is larger than ${MAX_VCON_LENGTH} bytes`);
}

async function replaceFile(directory: string, name: string, text: string): Promise<void> {
  const temporary = join(directory, `.${name}.${randomUUID()}.tmp`);
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await rename(temporary, join(directory, name));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function jsonFiles(path: string): Promise<string[]> {
  try {
    const names = await withDeadline(readdir(path), TIMEOUT, 'reading a directory');
    return names.filter((name) => name.endsWith('.json') && !name.startsWith('.')).sort();
  } catch (error) {
    throw new VconOtelError('FILE_UNUSABLE', `the directory of vCons cannot be read (${errorType(error)})`);
  }
}

async function listedVcon(path: string, file: string): Promise<ListedVcon> {
  try {
    const text = await withDeadline(readText(join(path, file)), TIMEOUT, 'reading a file');
    if (text === undefined) throw new VconOtelError('FILE_UNUSABLE', 'not a regular file');
    const json = withoutByteOrderMark(text);
    return { file, uuid: parseVcon(json).uuid, text: json };
  } catch (error) {
    return { file, error: asOurs(error, 'FILE_UNUSABLE') };
  }
}

/** RFC 8259 §8.1 lets a reader ignore the mark, and editors on Windows write it. */
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
