import { VconOtelError } from '../../model/error.ts';
import type { FactSink } from '../../model/fact-sink.ts';
import type { Received } from '../../model/received.ts';
import type { ReceiverCounts } from '../counts.ts';
import type { JsonReader } from '../json/json-reader.ts';
import { isKept } from '../kept.ts';
import { decodeTraces, type Encoding } from './decode.ts';
import type { DecodedTraces } from './receive.ts';

/** An ExportTraceServiceRequest, by whatever road it came. */
export interface TracesRequest extends Pick<Received, 'packing' | 'sender'> {
  readonly encoding: Encoding;
  /** As it came. */
  readonly packed: Buffer;
  /** Unpacked. */
  readonly bytes: Buffer;
  /** When it had come, milliseconds since the Unix epoch. */
  readonly at: number;
}

/**
 * What became of a request: how many spans of the conserver in it cannot be used, or why none was taken. `full` and `lost` (it
 * may not survive a crash) ask the sender to come back.
 */
export type TakenTraces =
  | { readonly kind: 'taken'; readonly rejected: number }
  | { readonly kind: 'unreadable'; readonly message: string }
  | { readonly kind: 'full' | 'lost' };

/** What {@link takeTraces} needs. */
export interface TracesSettings {
  readonly sink: FactSink;
  readonly counts: ReceiverCounts;
  readonly jsonReader: JsonReader;
}

/** Takes a request's spans: `taken` means that they survive a crash. */
export async function takeTraces(request: TracesRequest, settings: TracesSettings): Promise<TakenTraces> {
  const { encoding, packed, packing, bytes, at, sender } = request;
  const { sink, counts, jsonReader } = settings;
  let decoded: DecodedTraces;
  try {
    decoded = await decodeTraces(bytes, encoding, jsonReader);
  } catch (error) {
    if (error instanceof VconOtelError) return { kind: 'unreadable', message: error.message };
    throw error;
  }
  // It took a while.
  if (sink.full) return { kind: 'full' };
  await sink.take(
    { form: `otlp_${encoding}`, packing, bytes: packed, at, sender },
    { spans: decoded.spans, records: [] },
  );
  if (!(await isKept(sink))) return { kind: 'lost' };
  counts.add('spans', 'accepted', decoded.spans.length);
  counts.add('spans', 'ignored', decoded.ignored);
  counts.add('spans', 'rejected', decoded.rejected);
  return { kind: 'taken', rejected: decoded.rejected };
}
