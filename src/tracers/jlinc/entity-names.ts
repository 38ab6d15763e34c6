import type { JlincOptions } from './options.ts';

/** Who passes the vCon on, and to whom. */
export interface Handover {
  readonly sender: string;
  readonly recipient: string;
}

/**
 * The short names of an event's entities, without `@domain`. Before the chain, the system passes the vCon to the first
 * link; after link i, link i passes it to the next one, and the last link to the system.
 * @param index -1 before the chain, then the link that has ended
 */
export function route(
  { system_prefix, entity_mapping }: Pick<JlincOptions, 'system_prefix' | 'entity_mapping'>,
  links: readonly string[],
  index: number,
): Handover {
  const prefix = sanitized(system_prefix);
  const of = (link: string | undefined) => `${prefix}-${link === undefined ? 'system' : sanitized(link)}`;
  // Python's `links[i-1]`: the link before; for the first link, the last one.
  const sender = entity_mapping === 'upstream' ? links.at(index - 1) : links[index];
  return { sender: of(index < 0 ? undefined : sender), recipient: of(links[index + 1]) };
}

/** Like the Python tracer: lower case, and one `_` for every other character. */
function sanitized(name: string): string {
  return name.toLowerCase().replace(/[^a-zA-Z0-9._-]/gu, '_');
}
