import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorType, VconOtelError } from '../model/error.ts';

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
  return path;
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
  return (await stat(path)).size <= MAX_LENGTH ? parse(await readFile(path, 'utf8')) : undefined;
}

/** Not node:readline: it breaks lines at U+2028 too, which JSON allows inside a string, and has no limit. */
async function* readLines(path: string): AsyncGenerator<string | undefined> {
  const chunks: AsyncIterable<string> = createReadStream(path, { encoding: 'utf8', highWaterMark: 1 << 18 });
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
