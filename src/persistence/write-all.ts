import { write } from 'node:fs';
import { promisify } from 'node:util';

const writeSome = promisify(write);

/** How much was written. */
export interface Written {
  readonly bytes: number;
  /** Why not more; undefined if everything was written. */
  readonly error?: unknown;
}

/**
 * Writes bytes until the operating system has taken all of them or refuses: a disk that fills up takes a part. Never rejects.
 * @param file a descriptor
 * @param position where in the file to write; null for its current position, or for its end if it was opened for appending
 */
export async function writeAll(file: number, data: Uint8Array, position: number | null): Promise<Written> {
  let bytes = 0;
  try {
    while (bytes < data.length) {
      const at = position === null ? null : position + bytes;
      bytes += (await writeSome(file, data, bytes, data.length - bytes, at)).bytesWritten;
    }
    return { bytes };
  } catch (error) {
    return { bytes, error };
  }
}
