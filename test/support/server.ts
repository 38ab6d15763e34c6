import { randomInt } from 'node:crypto';
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

/**
 * A port of the loopback interface that nobody listens on at this moment. None of those that the system gives to whoever asks
 * for any, or connects somewhere: it is nobody else's while a server on it is being started, or is away.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    const server = createServer();
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Of ports that one may take; above them are those that Linux gives (`ip_local_port_range`), and other systems higher ones. */
const LOWEST = 10_000;
const HIGHEST = 32_768;
