import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Address } from '../model/address.ts';
import { errorType } from '../model/error.ts';

/**
 * Whether an address could be listened on, by doing so for a moment.
 * @returns the system's code (`EADDRINUSE`, `EADDRNOTAVAIL`), or undefined where it is free
 */
export async function listenObstacle({ host, port }: Address): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
    return undefined;
  } catch (error) {
    return errorType(error);
  } finally {
    server.close();
  }
}

/** The url under which this machine itself reaches an address. */
export function localUrl({ host, port }: Address, path: string, protocol = 'http'): URL {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return new URL(`${protocol}://${reached.includes(':') ? `[${reached}]` : reached}:${port}${path}`);
}
