/** A text whose question marks are bytes that no UTF-8 has. */
export function notUtf8(text: string): Buffer {
  return Buffer.from(Buffer.from(text).map((byte) => (byte === 0x3f ? 0xff : byte)));
}
