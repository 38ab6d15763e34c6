/** A url in a form that may be shown: without user, password, query and fragment, which may be secrets. */
export function shownUrl(url: string | URL): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
