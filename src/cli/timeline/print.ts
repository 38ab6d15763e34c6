import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Writes texts as fast as the reader takes them. A reader that goes away (`| head`) is not a failure: writing ends quietly.
 * @returns whether all of them were written
 */
export async function print(
  out: NodeJS.WritableStream,
  texts: Iterable<string> | AsyncIterable<string>,
): Promise<boolean> {
  try {
    await pipeline(Readable.from(texts), out, { end: false });
    return true;
  } catch (error) {
    if (!isClosedByReader(error)) throw error;
    return false;
  }
}

function isClosedByReader(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
  );
}
