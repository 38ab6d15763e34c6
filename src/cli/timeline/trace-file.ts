import { createReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { errorType, VconOtelError } from '../../model/error.ts';
import { packedText } from '../../persistence/packed-text.ts';

/** The name that a folder of ours keeps its spans under. */
const TRACES_FILE = 'traces.otlp.jsonl';

/** The longest line, and the largest document of more than one line, that is read (UTF-16 code units). */
const MAX_LENGTH = 64 * 1024 * 1024;

/**
 * The file that is meant: the path itself, or {@link TRACES_FILE} in it where it is a folder.
 * @throws VconOtelError `FILE_UNUSABLE` where there is none or it cannot be read more than once (a pipe).
 */
export async function findTraceFile(path: string): Promise<string> {
  const found = await stat(path).catch((error) => Promise.reject(unusable(path, error)));
  if (found.isDirectory()) return findTraceFile(join(path, TRACES_FILE));
  if (!found.isFile()) throw new VconOtelError('FILE_UNUSABLE', `${path} is not a regular file`);
  if (await isDatabase(path))
    throw new VconOtelError(
      'FILE_UNUSABLE',
      `${path} is a journal, not a file of spans: timeline --journal ${path}`,
    );
  return path;
}

/** How every file of SQLite begins. */
const SQLITE = Buffer.from('SQLite format 3\0');

async function isDatabase(path: string): Promise<boolean> {
  const file = await open(path).catch((error) => Promise.reject(unusable(path, error)));
  try {
    const { buffer } = await file.read(Buffer.alloc(SQLITE.length), 0, SQLITE.length, 0);
    return buffer.equals(SQLITE);
  } finally {
    await file.close();
  }
}

/**
 * The JSON values of a file, one for each line, or the whole file where it is one document over several
 * lines. Undefined stands for a line that is not JSON or is far too long. Holds one line at a time.
 * @throws VconOtelError `FILE_UNUSABLE`
 */
export async function* readJsonValues(path: string): AsyncGenerator<unknown> {
  try {
    const document = await readAsOneDocument(path);
    if (document !== undefined) {
      yield document;
      return;
    }
    for await (const line of readLines(path)) {
      if (line === undefined) yield undefined;
      else if (line.trim() !== '') yield parse(line);
    }
  } catch (error) {
    throw error instanceof VconOtelError ? error : unusable(path, error);
  }
}

/** Undefined where the first line is a JSON value of its own, or the whole is not one. */
async function readAsOneDocument(path: string): Promise<unknown> {
  for await (const line of readLines(path)) {
    if (line === undefined || parse(line) !== undefined) return undefined;
    if (line.trim() !== '') break;
  }
  return (await stat(path)).size <= MAX_LENGTH
    ? parse(await packedText(await readFile(path), MAX_LENGTH))
    : undefined;
}

/** Not node:readline: it breaks lines at U+2028 too, which JSON allows inside a string, and has no limit. */
async function* readLines(path: string): AsyncGenerator<string | undefined> {
  const chunks = await textChunks(path);
  let line = '';
  let tooLong = false;
  for await (const chunk of chunks) {
    let from = 0;
    for (let to = chunk.indexOf('\n'); to >= 0; to = chunk.indexOf('\n', from)) {
      line += chunk.slice(from, to);
      yield tooLong ? undefined : line;
      line = '';
      tooLong = false;
      from = to + 1;
    }
    line += chunk.slice(from);
    if (line.length > MAX_LENGTH) {
      line = '';
      tooLong = true;
    }
  }
  if (tooLong) yield undefined;
  else if (line !== '') yield line;
}

/** A packed file is unpacked as it is read. */
async function textChunks(path: string): Promise<AsyncIterable<string>> {
  const packed = await isPacked(path);
  const bytes = createReadStream(path, { highWaterMark: 1 << 18 });
  if (!packed) return bytes.setEncoding('utf8');
  const unpacked = createGunzip();
  bytes.on('error', (error) => unpacked.destroy(error));
  // What reads no further leaves the file open otherwise.
  unpacked.on('close', () => bytes.destroy());
  return bytes.pipe(unpacked).setEncoding('utf8');
}

async function isPacked(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

function parse(text: string): unknown {
  try {
    // `trim` also takes a byte order mark away.
    return JSON.parse(text.trim());
  } catch {
    return undefined;
  }
}

function unusable(path: string, error: unknown): VconOtelError {
  const type = errorType(error);
  const message = type === 'ENOENT' ? `There is no file ${path}` : `${path} cannot be read (${type})`;
  return new VconOtelError('FILE_UNUSABLE', message, { cause: error });
}
