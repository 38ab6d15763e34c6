import type { JlincOptions } from './options.ts';

/** Who hands the vCon on, and to whom. */
export interface Route {
  readonly sender: string;
  readonly recipient: string;
}

/**
 * The short names of an event's entities, without `@domain`. Before the chain the system hands the vCon to the first
 * link; after link i, link i hands it to the next one, and the last link to the system.
 * @param index -1 before the chain, then the link that has ended
 */
export function route(
  { system_prefix, entity_mapping }: Pick<JlincOptions, 'system_prefix' | 'entity_mapping'>,
  links: readonly string[],
  index: number,
): Route {
  const prefix = sanitized(system_prefix);
  const of = (link: string | undefined) => `${prefix}-${link === undefined ? 'system' : sanitized(link)}`;
  // Python's `links[i-1]`: the link before, and the last one for the first.
  const sender = entity_mapping === 'upstream' ? links.at(index - 1) : links[index];
  return { sender: of(index < 0 ? undefined : sender), recipient: of(links[index + 1]) };
}

/** As the Python tracer does it: lower case, and one `_` for every other character. */
function sanitized(name: string): string {
  return name.toLowerCase().replace(/[^a-zA-Z0-9._-]/gu, '_');
}
