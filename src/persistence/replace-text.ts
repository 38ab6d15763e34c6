import { existsSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';

//  Texts of the same length are put in place of others, so that nothing else of a file moves.

/** How often any of some texts is in bytes. */
export function countTexts(bytes: Buffer, texts: readonly Texts[]): number {
  return [...places(bytes, texts)].length;
}

/** A text, or bytes. */
type Texts = string | Uint8Array;

/** Puts a text in the place of others wherever they are, in place. @returns how often */
export function replaceTexts(bytes: Buffer, texts: readonly Texts[], by: Texts): number {
  const found = [...places(bytes, texts)];
  for (const at of found) bytes.set(Buffer.from(by as string), at);
  return found.length;
}

/** The lines of a file that contain any of some texts of ASCII; 0 where there is no such file, or it is a pipe or a device. @throws the system's error */
export async function linesWith(path: string, texts: readonly string[]): Promise<number> {
  let [count, lastBreak] = [0, -1];
  await eachPlace(path, 'r', texts, async (_at, lineStart) => {
    if (lineStart !== lastBreak) count += 1;
    lastBreak = lineStart;
  });
  return count;
}

/**
 * Puts a text in the place of others of its length, all of ASCII, where they are in a file: the file stays the same, and nothing of it moves. On disk when it resolves.
 * @throws the system's error; the next call goes on
 */
export async function replaceInFile(path: string, texts: readonly string[], by: string): Promise<void> {
  await eachPlace(path, 'r+', texts, async (at, _lineStart, write) => write(Buffer.from(by), at));
}

type Write = (data: Buffer, at: number) => Promise<unknown>;

/** @param hear is told of the byte where each begins, and of one that only others in its line share */
async function eachPlace(
  path: string,
  mode: 'r' | 'r+',
  texts: readonly string[],
  hear: (at: number, lineStart: number, write: Write) => Promise<unknown>,
): Promise<void> {
  if (!existsSync(path) || !statSync(path).isFile()) return;
  const overlap = Math.max(...texts.map(({ length }) => length)) - 1;
  const file = await open(path, mode);
  try {
    const buffer = Buffer.allocUnsafe(CHUNK + overlap);
    let [held, start, lineStart, hasWritten] = [0, 0, 0, false];
    for (;;) {
      const { bytesRead } = await file.read(buffer, held, CHUNK, start + held);
      if (bytesRead === 0) break;
      const bytes = buffer.subarray(0, held + bytesRead);
      let before = 0;
      for (const at of places(bytes, texts)) {
        const lastBreak = bytes.subarray(before, at).lastIndexOf(LINE_BREAK);
        if (lastBreak !== -1) lineStart = start + before + lastBreak + 1;
        before = at;
        await hear(start + at, lineStart, (data, place) => file.write(data, 0, data.length, place));
        hasWritten = true;
      }
      const rest = Math.min(overlap, bytes.length);
      const passed = bytes.length - rest;
      const lastBreak = bytes.subarray(before, Math.max(before, passed)).lastIndexOf(LINE_BREAK);
      if (lastBreak !== -1) lineStart = start + before + lastBreak + 1;
      buffer.copyWithin(0, passed, bytes.length);
      start += passed;
      held = rest;
    }
    if (hasWritten && mode === 'r+') await file.datasync();
  } finally {
    await file.close();
  }
}

/** Where any of some texts begins, in order. */
function* places(bytes: Buffer, texts: readonly Texts[]): Generator<number> {
  const next = texts.map((text) => ({ text, at: bytes.indexOf(text) }));
  for (;;) {
    const first = Math.min(...next.map(({ at }) => (at === -1 ? Number.POSITIVE_INFINITY : at)));
    if (first === Number.POSITIVE_INFINITY) return;
    yield first;
    for (const one of next) if (one.at === first) one.at = bytes.indexOf(one.text, first + 1);
  }
}

const CHUNK = 1_048_576;
const LINE_BREAK = 0x0a;
