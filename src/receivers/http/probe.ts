import { errorType } from '../../model/error.ts';
import type { Finding } from '../../model/finding.ts';
import { httpClient } from '../../outgoing/http-client.ts';
import { localUrl } from '../../outgoing/own-address.ts';
import { type ListeningPlace, type ProbeAnswer, probeListening } from '../probe.ts';

/** Looks whether spans and records could be taken in over HTTP, or are already. */
export function probe(place: ListeningPlace, timeout: number): Promise<readonly Finding[]> {
  return probeListening(place, (token) => askHttp(place, token, timeout));
}

async function askHttp(
  place: ListeningPlace,
  token: string | undefined,
  timeout: number,
): Promise<ProbeAnswer> {
  const url = localUrl(place, '/v1/traces', place.tls ? 'https' : 'http');
  const http = httpClient({ allowPrivateHosts: [url.hostname], timeout });
  try {
    const { status } = await http.post(url, '{}', {
      'content-type': 'application/json',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    });
    if (status === 200) return { is: 'taken' };
    return { is: status === 401 || status === 403 ? 'refused' : 'strange', text: `HTTP_${status}` };
  } catch (error) {
    return { is: 'none', text: errorType(error) };
  } finally {
    await http.close();
  }
}
