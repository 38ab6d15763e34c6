import { type Finding, ok, problem } from '../model/finding.ts';
import { httpClient } from '../outgoing/http-client.ts';
import { listenObstacle, localUrl } from '../outgoing/own-address.ts';
import type { AdminAddress } from './admin-server.ts';

/**
 * Looks whether a server could listen at an address, or does so already.
 * @param path a page that it has
 * @param type how the media type of that page begins
 * @param timeout milliseconds that an answer may take
 */
export async function probeAddress(
  address: AdminAddress,
  path: string,
  type: string,
  timeout: number,
): Promise<Finding> {
  const { host, port } = address;
  if (port === 0) return ok('takes a free port');
  const obstacle = await listenObstacle(address);
  if (obstacle === undefined) return ok(`${host} port ${port} is free`);
  if (obstacle !== 'EADDRINUSE')
    return problem(`${host} port ${port} cannot be listened on (${obstacle})`, 'name another host or port');
  if (await isAnswered(localUrl(address, path), address.token, type, timeout))
    return ok(`${host} port ${port} answers like a running service`);
  return problem(
    `${host} port ${port} is taken by another program`,
    'name another port, or stop that program',
  );
}

async function isAnswered(
  url: URL,
  token: string | undefined,
  type: string,
  timeout: number,
): Promise<boolean> {
  const http = httpClient({ allowPrivateHosts: [url.hostname], timeout });
  try {
    const { status, headers } = await http.head(url, token ? { authorization: `Bearer ${token}` } : {});
    return status === 200 && (headers['content-type'] ?? '').startsWith(type);
  } catch {
    return false;
  } finally {
    await http.close();
  }
}
