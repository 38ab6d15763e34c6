import protobuf, { type Reader } from 'protobufjs/minimal.js';

/**
 * The fields of a message one by one, whatever their number: with their bytes those that are asked for and hold any,
 * undefined for every other. So the largest message is walked through without being held in pieces, and can be left in between.
 * @throws Error where the message cannot be read
 */
export function* fields(message: Uint8Array, number: number): Generator<Uint8Array | undefined, void> {
  const reader = open(message);
  const wanted = (number << 3) | LENGTH_DELIMITED;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    // To make a view of nothing costs as much as to make one of a span.
    if (tag === wanted && message[reader.pos] !== 0) yield reader.bytes();
    else {
      const wireType = tag & 7;
      // A group would have to be read to its end, and OTLP has none.
      if (wireType === START_GROUP) throw new Error('a group');
      reader.skipType(wireType, 0, tag >>> 3);
      yield undefined;
    }
  }
}

/** A reader for the generated code. What it does not know is skipped, not kept. */
export function open(message: Uint8Array): Reader {
  const reader = protobuf.Reader.create(message);
  reader.discardUnknown = true;
  return reader;
}

/** Whether a message can be decoded at once, or has so many fields that it would take long. */
export function isSmall(message: Uint8Array): boolean {
  if (message.length <= MANAGEABLE) return true;
  let count = 0;
  for (const _ of fields(message, 0)) if (++count > MAX_FIELDS) return false;
  return true;
}

const LENGTH_DELIMITED = 2;
const START_GROUP = 3;
/** Bytes in which there is no room for too many fields. */
const MANAGEABLE = 64 * 1024;
/** SDKs write 128 attributes, events and links at most, if they are not told otherwise. */
const MAX_FIELDS = 4_096;
