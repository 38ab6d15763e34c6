import { writeSync } from 'node:fs';
import { errorType } from '../../src/model/error.ts';

/**
 * Tells the parent something, at once: it is in the pipe when this returns, whatever happens to this process next.
 * @param file descriptor
 */
export function say(message: object, file = 1): void {
  let rest = Buffer.from(`${JSON.stringify(message)}\n`);
  while (rest.length > 0)
    try {
      rest = rest.subarray(writeSync(file, rest));
    } catch (error) {
      // A pipe that is full, and does not block because Node.js uses it as well: whoever reads it will.
      if (errorType(error) !== 'EAGAIN') throw error;
      Atomics.wait(NEVER, 0, 0, 1);
    }
}

/** Nobody writes here. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));
