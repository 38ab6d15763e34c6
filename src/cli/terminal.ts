import type { WriteStream } from 'node:tty';

/** Where text for people goes: a terminal, on which a line can be redrawn, or anything else. */
export type Terminal = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** Whether it is a terminal, all of which can be drawn on. */
export function isScreen(stream: NodeJS.WritableStream): stream is WriteStream {
  return (stream as Terminal).isTTY === true;
}
