import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { VconOtelError } from '../model/error.ts';

const unpack = promisify(gunzip);

/**
 * The text of bytes that may be gzip: their own first two bytes say so, whatever a name or a header calls them.
 * @param limit of the text in bytes
 * @throws VconOtelError `VCON_TOO_LARGE` if it is longer, `VCON_INVALID` if it is broken gzip
 */
export async function packedText(bytes: Buffer, limit: number): Promise<string> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.toString('utf8');
  try {
    return (await unpack(bytes, { maxOutputLength: limit })).toString('utf8');
  } catch (error) {
    if (error instanceof RangeError)
      throw new VconOtelError('VCON_TOO_LARGE', `vCon is larger than ${limit} bytes`);
    throw new VconOtelError('VCON_INVALID', 'vCon is broken gzip');
  }
}
