import { FORMS, PACKINGS, type Received } from '../model/received.ts';
import type { BelievedTimes } from './claimed-times.ts';

/*
 *  What was received, as an entry: a head of 32 bytes, the sender's name, and what came. All numbers are little-endian.
 *
 *    2 · number of the form · number of the packing · bytes of the name · how many of its facts were taken at once (32 bits)
 *    when it came · how long before that, and how long after, what it claims was believed (milliseconds, 64 bits each)
 *
 *  Before that was kept, the mark was 1, the head its first line, and no name followed.
 */

const MARK = 2;
const HEAD = 32;
const MARK_WITHOUT_WINDOW = 1;
const HEAD_WITHOUT_WINDOW = 8;

/** What was received, and how many of its facts were taken at once: the first. */
export interface ReceivedEntry {
  readonly kind: 'received';
  readonly received: Omit<Received, 'at'>;
  /** Absent from what versions before kept: what that claims is taken as it is. */
  readonly window: BelievedTimes | undefined;
  readonly count: number;
}

/** How many facts of what came last, and was not taken whole, are taken now. */
export interface MoreEntry {
  readonly kind: 'more';
  readonly count: number;
}

/** Whether an entry is of what was received: any other is JSON. */
export function isReceivedEntry(body: Uint8Array): boolean {
  return body[0] === MARK || body[0] === MARK_WITHOUT_WINDOW;
}

export function writeReceived({
  received,
  count,
  window,
}: ReceivedEntry & { window: BelievedTimes }): Uint8Array {
  const { form, packing, bytes, sender = '' } = received;
  const name = Buffer.from(sender);
  const body = new Uint8Array(HEAD + name.byteLength + bytes.byteLength);
  body.set([MARK, FORMS.indexOf(form), PACKINGS.indexOf(packing), name.byteLength]);
  const head = new DataView(body.buffer);
  head.setUint32(4, count, true);
  head.setFloat64(8, window.at, true);
  head.setFloat64(16, window.oldest, true);
  head.setFloat64(24, window.ahead, true);
  body.set(name, HEAD);
  body.set(bytes, HEAD + name.byteLength);
  return body;
}

/** The head of such an entry, whichever version wrote it, for bytes that are not packed any more. */
export function unpackedHead(head: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(head);
  changed[2] = PACKINGS.indexOf('none');
  return changed;
}

/** @returns undefined for one of another version of this package */
export function readReceivedEntry(body: Uint8Array): ReceivedEntry | undefined {
  const form = FORMS[body[1] ?? FORMS.length];
  const packing = PACKINGS[body[2] ?? PACKINGS.length];
  const size = body[0] === MARK ? HEAD : HEAD_WITHOUT_WINDOW;
  const from = size + (body[3] ?? 0);
  if (!form || !packing || body.byteLength < from) return undefined;
  const head = new DataView(body.buffer, body.byteOffset, size);
  const window =
    size === HEAD
      ? { at: head.getFloat64(8, true), oldest: head.getFloat64(16, true), ahead: head.getFloat64(24, true) }
      : undefined;
  const sender = Buffer.from(body.subarray(size, from)).toString() || undefined;
  const received = { form, packing, bytes: body.subarray(from), sender };
  return { kind: 'received', received, window, count: head.getUint32(4, true) };
}
