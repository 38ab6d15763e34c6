/** What is expected where a URL has a password in it that is not written as a URL asks for. */
export const ENCODED_PASSWORD =
  'a URL whose password is percent-encoded: % is %25, / is %2F, ? is %3F, # is %23, @ is %40';

/**
 * Whether the password in a URL of a database was written as it is: it is cut off at its first `/`, `?` or `#`, and what comes before
 * is then taken for a host, or has a `%` that stands for nothing.
 */
export function hasBarePassword(url: string): boolean {
  const [, authority = '', rest = ''] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/is.exec(url) ?? [];
  const credentials = authority.slice(0, Math.max(authority.lastIndexOf('@'), 0));
  try {
    decodeURIComponent(credentials);
  } catch {
    return true;
  }
  // A query that has one names what it is of.
  return credentials === '' && authority.includes(':') && /^[^=]*@/.test(rest);
}
