import { z } from 'zod';
import { VconOtelError } from '../model/error.ts';

/** Characters of a name, names of a list, and characters of all of them together. */
const MAX_NAME = 256;
export const MAX_LIST = 1_000;
const MAX_TOGETHER = 8_192;

/** The name of a chain, a link or a storage. */
export const name = z.string().min(1).max(MAX_NAME);

/** A list of them, as of the links of a chain. */
export const names = z.array(name).max(MAX_LIST).refine(areBounded);

/** Whether what somebody sent is one. */
export function areNames(list: unknown): list is readonly string[] {
  if (!Array.isArray(list) || list.length > MAX_LIST) return false;
  return list.every((text) => typeof text === 'string' && isName(text)) && areBounded(list);
}

/** Whether a text that somebody sent can be a name. */
export function isName(text: string): boolean {
  return text.length > 0 && text.length <= MAX_NAME;
}

/** The list that a span carries; undefined where it is none. */
export function nameList(list: readonly string[] | undefined): readonly string[] | undefined {
  return areNames(list) ? onlyOne(list) : undefined;
}

/** What is wrong with a record. @param issues names the field, and nothing is quoted */
export function invalid({ issues }: z.ZodError): VconOtelError {
  const [issue] = issues;
  const field = issue?.path.join('.');
  const isList = issue?.code === 'too_big' || issue?.code === 'custom';
  const limits = isList && LISTS.test(field ?? '') ? `: ${LIMITS}` : '';
  const text = field ? `a record has no valid ${field}${limits}` : 'a record is not a JSON object';
  return new VconOtelError('RECORD_INVALID', text);
}

const LISTS = /^(links|storages|egress_lists)$/;
const LIMITS = `at most ${MAX_LIST} names, with ${MAX_TOGETHER} characters together`;

function areBounded(list: readonly string[]): boolean {
  let together = 0;
  for (const { length } of list) together += length;
  return together <= MAX_TOGETHER;
}

/** Lists that are known; forgotten all at once, since real ones are few. */
const KNOWN = new Map<string, readonly string[]>();
const MAX_KNOWN = 256;

/** Equal lists are one. */
export function onlyOne(list: readonly string[]): readonly string[] {
  const key = list.join('\n');
  const known = KNOWN.get(key);
  // A name may have a line break in it.
  if (known?.length === list.length && known.every((text, place) => text === list[place])) return known;
  if (KNOWN.size >= MAX_KNOWN) KNOWN.clear();
  KNOWN.set(key, list);
  return list;
}
