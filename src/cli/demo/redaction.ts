import type { Vcon } from '../../model/vcon.ts';
import { bodyOf, isRecord, recordsOf } from './json.ts';
import { tagsOf } from './tags.ts';

/**
 * What may be shown of a conversation when one of its parties must stay unknown. In texts, the party's names and
 * addresses and every long number are blacked out; what cannot be read (recordings, files, unknown members) is
 * left out altogether.
 */
export function withoutParty(vcon: Vcon, party: number): Vcon {
  const hide = hider(vcon.parties?.[party]);
  return {
    ...(vcon.vcon !== undefined && { vcon: vcon.vcon }),
    ...(typeof vcon.subject === 'string' && { subject: hide(vcon.subject) }),
    parties: (vcon.parties ?? []).map((other, index) => (index === party ? anonymous(other) : other)),
    dialog: (vcon.dialog ?? []).map((dialog) => (isRecord(dialog) ? readableDialog(dialog, hide) : {})),
    analysis: recordsOf(vcon.analysis).map(([, analysis]) => ({
      ...pick(analysis, ['type', 'dialog', 'vendor', 'product', 'encoding']),
      ...(READABLE.has(analysis.encoding) && { body: hideIn(bodyOf(analysis), hide) }),
    })),
    attachments: [{ type: 'tags', encoding: 'json', body: hideIn([...tagsOf(vcon)], hide) }],
  };
}

type Hide = (text: string) => string;

const REDACTED = '[redacted]';
const READABLE = new Set<unknown>([undefined, 'none', 'json']);

function anonymous(party: unknown): Record<string, unknown> {
  return { name: REDACTED, ...(isRecord(party) && pick(party, ['role'])) };
}

function readableDialog(dialog: Record<string, unknown>, hide: Hide): Record<string, unknown> {
  const { type, body, encoding } = dialog;
  const isText = type === 'text' && typeof body === 'string' && READABLE.has(encoding);
  return {
    ...pick(dialog, ['type', 'start', 'duration', 'parties', 'originator', 'mediatype', 'mimetype']),
    ...(isText && { encoding: 'none', body: hide(body) }),
  };
}

function pick(record: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    keys.filter((key) => Object.hasOwn(record, key)).map((key) => [key, record[key]]),
  );
}

/** The same JSON value with every text in it replaced, member names too. */
function hideIn(value: unknown, hide: Hide): unknown {
  if (typeof value === 'string') return hide(value);
  if (Array.isArray(value)) return value.map((item) => hideIn(item, hide));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [hide(key), hideIn(item, hide)]));
}

/** Telephone, card and account numbers: eleven digits or more, however grouped. */
const LONG_NUMBER = '(?:[A-Z]{2})?\\+?\\d(?:[ .()-]{0,2}\\d){10,}';

const NO_SPACES = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}]/u;

function hider(party: unknown): Hide {
  const { name, mailto, sip, tel } = isRecord(party) ? party : {};
  const words = [name, mailto, sip].filter(isNameLike).flatMap(wordsOf);
  const patterns = [...new Set(words)].sort((a, b) => b.length - a.length).map(wordPattern);
  if (isNameLike(tel)) patterns.push(...numberPatterns(tel));
  const hidden = new RegExp([...patterns, LONG_NUMBER].join('|'), 'giu');
  return (text) => text.replace(hidden, REDACTED);
}

/** A longer string is not something that anybody would say. */
const MAX_NAME = 200;

function isNameLike(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_NAME;
}

function wordsOf(name: string): string[] {
  return [name, ...name.split(/\s+/)].filter((word) => word.length > (NO_SPACES.test(word) ? 1 : 2));
}

function wordPattern(word: string): string {
  const literal = word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return NO_SPACES.test(word) ? literal : `(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])`;
}

/** A telephone number, however grouped, unless it is too short to be one. */
function numberPatterns(tel: string): string[] {
  const digits = tel.replace(/\D/g, '');
  return digits.length < 5 ? [] : [`\\+?${[...digits].join('[ .()-]{0,2}')}`];
}
