import { VconOtelError } from '../../model/error.ts';
import type { JsonReader } from '../json/json-reader.ts';
import { readProtobuf } from './protobuf.ts';
import type { DecodedTraces } from './receive.ts';

/** The encodings of OTLP over HTTP. */
export type Encoding = 'protobuf' | 'json';

/**
 * Reads the body of an OTLP request (ExportTraceServiceRequest): the conserver's spans in it, and how many others there
 * were. A large body does not block the event loop.
 * @throws VconOtelError `BODY_INVALID` if it cannot be decoded; the message never quotes it
 */
export async function decodeTraces(
  body: Buffer,
  encoding: Encoding,
  jsonReader: JsonReader,
): Promise<DecodedTraces> {
  if (encoding === 'json') {
    const { items, counts } = await jsonReader.read('traces', body);
    return { spans: items, ...counts };
  }
  try {
    return await readProtobuf(body);
  } catch (cause) {
    throw new VconOtelError('BODY_INVALID', 'the body is not an ExportTraceServiceRequest', { cause });
  }
}
