import type { Vcon } from '../../model/vcon.ts';
import { bodyOf, isRecord, recordsOf } from './json.ts';

/**
 * The tags of a vCon, each `key:value`, as the conserver keeps them: attachments of type `tags`, whose body is a
 * list, or the JSON text of a list even if no encoding says so.
 */
export function tagsOf(vcon: Vcon): Set<string> {
  const bodies = recordsOf(vcon.attachments).flatMap(([, attachment]) =>
    attachment.type === 'tags' ? bodyOf({ ...attachment, encoding: 'json' }) : [],
  );
  return new Set(bodies.filter((tag) => typeof tag === 'string'));
}

/** The vCon with all its tags and these in one attachment. */
export function withTags(vcon: Vcon, tags: Iterable<string>): Vcon {
  const others = (vcon.attachments ?? []).filter((other) => !isRecord(other) || other.type !== 'tags');
  const body = [...new Set([...tagsOf(vcon), ...tags])];
  return { ...vcon, attachments: [...others, { type: 'tags', encoding: 'json', body }] };
}
