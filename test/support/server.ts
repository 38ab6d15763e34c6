import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, test } from 'vitest';

/**
 * Tests that need a program. Where it is not installed they are reported as skipped, each by its name; with `CI=true` that
 * is a failure.
 * @param missing what to install; undefined where it is there
 */
export function describeWith(
  program: string,
  missing: string | undefined,
  name: string,
  body: () => void,
): void {
  if (missing === undefined) describe(name, body);
  else if (process.env.CI === 'true')
    describe(name, () => {
      test(`${program} is installed`, () => {
        throw new Error(missing);
      });
    });
  else describe.skip(`${name} (skipped: ${missing})`, body);
}

/** A port of the loopback interface that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
