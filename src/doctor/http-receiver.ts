import { accessSync, constants } from 'node:fs';
import type { Config } from '../config.ts';
import { errorType } from '../model/error.ts';
import { type Finding, fault, ok, warning } from '../model/finding.ts';
import { httpClient } from '../outgoing/http-client.ts';
import { listenObstacle, localUrl } from './answering.ts';
import type { Probes } from './probe.ts';

type HttpReceiver = NonNullable<Config['receivers']['http']>;

/** Whether spans and records could be taken in over HTTP, or are already. */
export const httpReceiverProbes: Probes = ({ config: { receivers } }, timeout) => {
  const { http } = receivers;
  if (!http) return [];
  return [{ about: 'receivers.http', look: async () => [...certificates(http), await port(http, timeout)] }];
};

function certificates({ tls }: HttpReceiver): Finding[] {
  return Object.entries(tls ?? {}).flatMap(([key, path]) => {
    try {
      if (path !== undefined) accessSync(path, constants.R_OK);
      return [];
    } catch (error) {
      return [fault(`the file of tls.${key} cannot be read (${errorType(error)})`, 'look at the path')];
    }
  });
}

async function port(receiver: HttpReceiver, timeout: number): Promise<Finding> {
  const place = `${receiver.host} port ${receiver.port}`;
  if (receiver.port === 0) return ok('takes a free port');
  const obstacle = await listenObstacle(receiver);
  if (obstacle === undefined) return ok(`${place} is free`);
  if (obstacle !== 'EADDRINUSE')
    return fault(`${place} cannot be listened on (${obstacle})`, 'name another host or port');
  const answered = await answer(receiver, timeout);
  if (answered === 200) return ok(`${place} is answered as by a service that runs`);
  if (answered === 401 || answered === 403)
    return fault(
      `${place} is answered, but not with this token (HTTP_${answered})`,
      'a service with another token runs there: start it anew, or name another port',
    );
  if (receiver.tls && typeof answered === 'string')
    return warning(`${place} is taken; over TLS it cannot be told by whom (${answered})`);
  const told = typeof answered === 'number' ? `HTTP_${answered}` : answered;
  return fault(`${place} is taken by another program (${told})`, 'name another port, or end that program');
}

/** How an empty export is answered, which is none to a service of ours. */
async function answer(receiver: HttpReceiver, timeout: number): Promise<number | string> {
  const url = localUrl(receiver, '/v1/traces', receiver.tls ? 'https' : 'http');
  const http = httpClient({ allowPrivateHosts: [url.hostname], timeout });
  try {
    const { status } = await http.post(url, '{}', {
      'content-type': 'application/json',
      ...(receiver.token ? { authorization: `Bearer ${receiver.token}` } : {}),
    });
    return status;
  } catch (error) {
    return errorType(error);
  } finally {
    await http.close();
  }
}
