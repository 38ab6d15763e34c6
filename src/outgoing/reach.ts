import { type Finding, ok, problem, warning } from '../model/finding.ts';
import { shownUrl } from '../model/shown-url.ts';
import { networkFailure } from './failure.ts';
import { type HttpClientSettings, httpClient } from './http-client.ts';

/** How a service is checked. */
export interface ReachSettings extends Pick<HttpClientSettings, 'allowPrivateHosts' | 'timeout'> {
  /** The headers of a real call, including the key. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Whether a service answers, by a request that changes nothing: not every service knows `HEAD`, but even a refusal shows that it is there. */
export async function reach(url: URL, { headers, ...settings }: ReachSettings): Promise<Finding> {
  const http = httpClient(settings);
  const place = shownUrl(url);
  try {
    const { status } = await http.head(url, headers);
    if (status === 401) return problem(`${place} does not accept the key (HTTP_401)`, 'look at the key');
    if (status === 403 || status >= 500)
      return warning(`${place} answers a HEAD request with status ${status}`, 'look at its log');
    return ok(`${place} answers`);
  } catch (error) {
    return unreachable(url, error);
  } finally {
    await http.close();
  }
}

/** The finding about a service that did not answer. */
export function unreachable(url: string | URL, error: unknown): Finding {
  const { code } = networkFailure(error);
  const advice =
    code === 'ADDRESS_REFUSED'
      ? 'if the service is to have a private address, name its host in allow_private_hosts'
      : 'check that it runs, and that it can be reached from this machine';
  return problem(`${shownUrl(url)} cannot be reached (${code})`, advice);
}
