import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Writes texts as fast as they are taken. A reader that goes away (`| head`) is no failure: it ends it quietly. */
export async function print(out: NodeJS.WritableStream, texts: Iterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(texts), out, { end: false });
  } catch (error) {
    if (!isClosedByReader(error)) throw error;
  }
}

function isClosedByReader(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
  );
}
