/**
 * A host in the form used for comparison: as the URL standard reads it (`0x7f.1` is `127.0.0.1`), without brackets or a
 * final dot.
 * @returns undefined if the text is more than a host, for example has a port or a scheme
 */
export function plainHost(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  const url = URL.parse(`http://${bare.includes(':') ? `[${bare}]` : bare}/`);
  if (url?.href !== `http://${url?.hostname}/`) return undefined;
  return url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}

/** Whether a text can be one of the hosts that an option allows. */
export function isHost(text: string): boolean {
  return plainHost(text) !== undefined;
}
