import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * Whether a request is meant for us: its `Host` is an address, `localhost` or a name that we are known by, and so are the host of a target
 * in absolute form (RFC 9112 §3.2.2) and the page that a browser sends it from (`Origin`). A name that somebody else has made to lead here
 * (DNS rebinding) is none of them.
 * @param names what else we are called
 */
export function addressCheck(
  names: readonly string[],
): (request: Pick<IncomingMessage, 'headers' | 'url'>) => boolean {
  const known = new Set(['localhost', ...names.flatMap((name) => hostOf(name) ?? [])]);
  const isOurs = (host: string | undefined) =>
    host !== undefined && (known.has(host) || isIP(host.replace(/^\[(.*)\]$/, '$1')) > 0);
  return ({ headers: { host, origin }, url = '/' }) =>
    (isOriginForm(url) || isOurs(URL.parse(url)?.hostname.replace(/\.$/, ''))) &&
    // HTTP/1.0 has none; no browser speaks it.
    (host === undefined || isOurs(hostOf(host))) &&
    (origin === undefined || isOurs(URL.parse(String(origin))?.hostname));
}

/** The path of a request's target without its query, whichever form that has (RFC 9112 §3.2). */
export function pathOf({ url = '/' }: Pick<IncomingMessage, 'url'>): string {
  const path = isOriginForm(url) ? url : (URL.parse(url)?.pathname ?? url);
  return path.split('?', 1)[0] ?? '';
}

/** A path, or the server as a whole. */
function isOriginForm(target: string): boolean {
  return target.startsWith('/') || target === '*';
}

/** As the URL standard reads it; undefined for what is more than a host and a port. */
function hostOf(text: string): string | undefined {
  const url = URL.parse(`http://${text}/`);
  return url?.href === `http://${url?.host}/` ? url.hostname.replace(/\.$/, '') : undefined;
}
