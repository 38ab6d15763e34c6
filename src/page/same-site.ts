import type { IncomingMessage } from 'node:http';

/**
 * Whether a request that changes something comes from the page itself, or from a program that has the token: a page of somebody else's that
 * a browser shows, on another port of this machine perhaps, could send one that brings the cookie along. Browsers say where a request comes
 * from (Fetch Metadata, or `Origin` where a page did not come over HTTPS or from this machine), and ask before they send JSON elsewhere.
 */
export function isFromPage({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const { origin, host, 'content-type': type = '', 'sec-fetch-site': site } = headers;
  if (!/^application\/json(?: *;|$)/.test(type)) return false;
  if (site !== undefined) return site === 'same-origin';
  if (origin !== undefined) return URL.parse(origin)?.host === host;
  return headers.authorization !== undefined || headers.cookie === undefined;
}
