import { type FileHandle, open } from 'node:fs/promises';

/** Bytes that are read, and written to a mirror, at once. */
export const CHUNK = 4 * 1_024 * 1_024;

/** Bytes of a file from one on, {@link CHUNK} at most; none at its end. @throws the system's error */
export async function chunkAt(path: string, from: number, length = CHUNK): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    return await readFully(file, from, Math.max(0, Math.min(length, size - from)));
  } finally {
    await file.close();
  }
}

/** Bytes of a file, fewer where it ends. */
export async function readFully(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let held = 0;
  while (held < length) {
    const { bytesRead } = await file.read(buffer, held, length - held, from + held);
    if (bytesRead === 0) break;
    held += bytesRead;
  }
  return buffer.subarray(0, held);
}

/**
 * The byte after so many line breaks, as far as there are that many.
 * @returns that byte, or where the last line break before the end is, and how many there were
 */
export function afterLines(bytes: Buffer, most: number): { readonly end: number; readonly lines: number } {
  let [end, lines] = [0, 0];
  while (lines < most) {
    const stop = bytes.indexOf(LINE_BREAK, end);
    if (stop === -1) break;
    end = stop + 1;
    lines += 1;
  }
  return { end, lines };
}

const LINE_BREAK = 0x0a;
