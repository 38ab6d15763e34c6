import { MAX_BODY } from '../model/options/size.ts';
import type { Facts, ReadReceived, Received } from '../model/received.ts';
import { JsonReader } from './json/json-reader.ts';
import { decodeTraces } from './otlp/decode.ts';
import { unpack } from './packing.ts';
import { readRecords } from './redis-stream/read-entry.ts';

/** Has what was received before read again. */
export async function withReceived<T>(use: (read: ReadReceived) => Promise<T>): Promise<T> {
  const jsonReader = new JsonReader();
  try {
    return await use((received) => readReceived(received, jsonReader));
  } finally {
    await jsonReader.close();
  }
}

/**
 * Reads what was received before, by the functions that read it when it came. A body may be as large as any configuration
 * allows: it was accepted by the one of then.
 * @throws Error where it cannot be read
 */
async function readReceived({ form, packing, bytes }: Received, jsonReader: JsonReader): Promise<Facts> {
  const body = await unpack(bytes, packing, MAX_BODY);
  switch (form) {
    case 'otlp_protobuf':
    case 'otlp_json': {
      const encoding = form === 'otlp_json' ? 'json' : 'protobuf';
      const { spans } = await decodeTraces(body, encoding, jsonReader);
      return { spans, records: [] };
    }
    case 'records': {
      const { items } = await jsonReader.read('records', body);
      return { spans: [], records: items.flatMap((item) => ('record' in item ? [item.record] : [])) };
    }
    case 'entries':
      return { spans: [], records: readRecords(body.toString()) };
  }
}
