import { accessSync, constants } from 'node:fs';
import type { Tokens } from '../../incoming/bearer.ts';
import type { Address } from '../../model/address.ts';
import { errorType } from '../../model/error.ts';
import { type Finding, ok, problem, warning } from '../../model/finding.ts';
import { httpClient } from '../../outgoing/http-client.ts';
import { listenObstacle, localUrl } from '../../outgoing/own-address.ts';

/** What of the receiver's options says where it listens, and to whom. */
export interface HttpPlace extends Address, Tokens {
  readonly tls?:
    | (Readonly<Record<'cert' | 'key', string>> & { readonly client_ca?: string | undefined })
    | undefined;
}

/** Looks whether spans and records could be taken in over HTTP, or are already. */
export async function probe(place: HttpPlace, timeout: number): Promise<readonly Finding[]> {
  return [...certificates(place), await port(place, timeout)];
}

function certificates({ tls }: HttpPlace): Finding[] {
  return Object.entries(tls ?? {}).flatMap(([key, path]) => {
    try {
      if (path !== undefined) accessSync(path, constants.R_OK);
      return [];
    } catch (error) {
      return [problem(`the file of tls.${key} cannot be read (${errorType(error)})`, 'check the path')];
    }
  });
}

async function port(receiver: HttpPlace, timeout: number): Promise<Finding> {
  const place = `${receiver.host} port ${receiver.port}`;
  if (receiver.port === 0) return ok('takes a free port');
  const obstacle = await listenObstacle(receiver);
  if (obstacle === undefined) return ok(`${place} is free`);
  if (obstacle !== 'EADDRINUSE')
    return problem(`${place} cannot be listened on (${obstacle})`, 'name another host or port');
  const answered = await answer(receiver, timeout);
  if (answered === 200) return ok(`${place} answers like a running service`);
  if (answered === 401 || answered === 403)
    return problem(
      `${place} answers, but refuses this token (HTTP_${answered})`,
      'a service with another token runs there: restart it, or name another port',
    );
  if (receiver.tls && typeof answered === 'string')
    return warning(`${place} is taken; over TLS, doctor cannot tell by whom (${answered})`);
  const told = typeof answered === 'number' ? `HTTP_${answered}` : answered;
  return problem(`${place} is taken by another program (${told})`, 'name another port, or stop that program');
}

/** How an empty export is answered, which is none to a service of ours. */
async function answer(receiver: HttpPlace, timeout: number): Promise<number | string> {
  const url = localUrl(receiver, '/v1/traces', receiver.tls ? 'https' : 'http');
  const http = httpClient({ allowPrivateHosts: [url.hostname], timeout });
  const token = receiver.token || Object.values(receiver.tokens ?? {})[0];
  try {
    const { status } = await http.post(url, '{}', {
      'content-type': 'application/json',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    });
    return status;
  } catch (error) {
    return errorType(error);
  } finally {
    await http.close();
  }
}
