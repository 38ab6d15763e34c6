import { type Finding, fault, ok } from '../model/finding.ts';
import { httpClient } from '../outgoing/http-client.ts';
import { type Address, listenObstacle, localUrl } from './answering.ts';
import type { Probe, Probes } from './probe.ts';

/** Whether what only answers `GET` can be listened for: the scrape and the health of the service. */
export const portProbes: Probes = ({ config: { exporters, health } }, timeout) => {
  const { prometheus } = exporters;
  const probe = (about: string, address: Address, path: string, type: string): Probe => ({
    about,
    look: () => lookAt(address, path, type, timeout),
  });
  return [
    ...(prometheus
      ? [probe('exporters.prometheus', prometheus, '/metrics', 'text/plain; version=0.0.4')]
      : []),
    probe('health', health, '/healthz', 'application/json'),
  ];
};

/** @param type how the media type of a service of ours begins */
async function lookAt(address: Address, path: string, type: string, timeout: number): Promise<Finding[]> {
  const { host, port } = address;
  if (port === 0) return [ok('takes a free port')];
  const obstacle = await listenObstacle(address);
  if (obstacle === undefined) return [ok(`${host} port ${port} is free`)];
  if (obstacle !== 'EADDRINUSE')
    return [fault(`${host} port ${port} cannot be listened on (${obstacle})`, 'name another host or port')];
  if (await isAnswered(localUrl(address, path), type, timeout))
    return [ok(`${host} port ${port} is answered as by a service that runs`)];
  return [
    fault(`${host} port ${port} is taken by another program`, 'name another port, or end that program'),
  ];
}

async function isAnswered(url: URL, type: string, timeout: number): Promise<boolean> {
  const http = httpClient({ allowPrivateHosts: [url.hostname], timeout });
  try {
    const { status, headers } = await http.head(url, {});
    return status === 200 && (headers['content-type'] ?? '').startsWith(type);
  } catch {
    return false;
  } finally {
    await http.close();
  }
}
