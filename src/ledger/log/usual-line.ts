import { hashAlgorithms } from '../hash-algorithm.ts';

//  Almost every record is an event whose texts are plain: ASCII without quotation marks, backslashes and control characters.
//  There is one way to write it, and whether a line is that can be told by a regular expression, in an eighth of the time that
//  reading it, checking it against its schema and writing it again takes. It must never take what the schema does not: a test
//  holds them together.

/** Code units of a line within which no name is too long. */
const MAX_LINE = 1_024;

const PLAIN = '[ !#-\\[\\]-~]';
const NAME = `"${PLAIN}+"`;
/** Digits that are always a safe integer. */
const COUNT = '(?:0|[1-9]\\d{0,14})';
const TIME = '"\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z"';

/** Every key of an event, in canonical order. */
const FIELDS: readonly (readonly [key: string, value: string, optional?: 'optional'])[] = [
  ['actor', '"conserver"'],
  ['chain', NAME],
  ['content_binding', oneOf('hash', 'hmac'), 'optional'],
  ['content_hash', '(?:null|"(?:[0-9a-f]{2}){16,64}")', 'optional'],
  ['content_missing', oneOf('not_found', 'unavailable', 'key_destroyed'), 'optional'],
  ['content_observed', oneOf('at_event', 'at_delivery'), 'optional'],
  ['error_type', `"${PLAIN}{0,128}"`, 'optional'],
  ['event', '"(?:(?:chain|link|storage)_(?:start|complete|error)|chain_lost)"'],
  ['hash_algorithm', oneOf(...hashAlgorithms), 'optional'],
  ['in_vcon_uuid', NAME, 'optional'],
  ['inferred', `\\[(?:${NAME}(?:,${NAME}){0,31})?\\]`, 'optional'],
  ['key_commitment', hex(64), 'optional'],
  ['lifecycle', oneOf('vcon_created', 'vcon_enhanced'), 'optional'],
  ['outcome', oneOf('complete', 'success', 'halted', 'halt', 'error', 'unknown'), 'optional'],
  ['prev_hash', hex(64)],
  ['record_id', NAME],
  ['recorded_at', TIME],
  ['retention_policy', `"${PLAIN}{0,64}"`],
  ['run_id', NAME],
  ['sender', '"[\\w.-]{1,64}"', 'optional'],
  ['seq', COUNT],
  ['span_id', hex(16)],
  ['step', NAME, 'optional'],
  ['step_index', COUNT, 'optional'],
  ['timestamp', TIME],
  ['trace_id', hex(32)],
  ['vcon_uuid', NAME],
];

/** What the records of a ledger are chained, counted and compared with keys by. */
export interface UsualFields {
  readonly content_binding: string | undefined;
  readonly content_hash: string | undefined;
  readonly event: string;
  readonly key_commitment: string | undefined;
  readonly prev_hash: string;
  readonly record_id: string;
  readonly recorded_at: string;
  readonly run_id: string;
  readonly seq: number;
  readonly vcon_uuid: string;
}

const READ: ReadonlySet<string> = new Set([
  'content_binding',
  'content_hash',
  'event',
  'key_commitment',
  'prev_hash',
  'record_id',
  'recorded_at',
  'run_id',
  'seq',
  'vcon_uuid',
] satisfies (keyof UsualFields)[]);

const LINE = new RegExp(
  `^\\{${FIELDS.map(([key, value, optional], index) => {
    const read = READ.has(key) ? `(${value})` : value;
    const field = `${index === 0 ? '' : ','}"${key}":${read}`;
    return optional ? `(?:${field})?` : field;
  }).join('')}\\}$`,
);

/** Whether a line is certainly an event in canonical form; another one may be one all the same. */
export function isUsualLine(line: string): boolean {
  return line.length <= MAX_LINE && LINE.test(line);
}

/** Reads a line for which {@link isUsualLine} holds; undefined for others. */
export function usualFields(line: string): UsualFields | undefined {
  const found = line.length <= MAX_LINE ? LINE.exec(line) : null;
  if (!found) return undefined;
  // In the order of their keys.
  const content_binding = found[1];
  const content_hash = found[2];
  const key_commitment = found[4];
  return {
    content_binding: content_binding && bare(content_binding),
    // Without a hash it says `null`.
    content_hash: content_hash?.startsWith('"') ? bare(content_hash) : undefined,
    event: textAt(found, 3),
    key_commitment: key_commitment && bare(key_commitment),
    prev_hash: textAt(found, 5),
    record_id: textAt(found, 6),
    recorded_at: textAt(found, 7),
    run_id: textAt(found, 8),
    seq: Number(found[9]),
    vcon_uuid: textAt(found, 10),
  };
}

/** A text that was found, without its quotation marks. By number: by name takes longer than all the rest. */
function textAt(found: RegExpExecArray, index: number): string {
  return bare(found[index] ?? '');
}

/** A text without its quotation marks. */
function bare(text: string): string {
  return text.slice(1, -1);
}

function oneOf(...words: readonly string[]): string {
  return `"(?:${words.join('|')})"`;
}

function hex(digits: number): string {
  return `"[0-9a-f]{${digits}}"`;
}
