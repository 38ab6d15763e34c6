import { z } from 'zod';
import { hashAlgorithms } from '../hash-algorithm.ts';
import { OperatorDeed, rotation } from './operator-deed.ts';
import { boundedName, count, hex, hexDigits, MAX_NAME, TIME, time } from './record-fields.ts';
import { isUsualLine, type UsualFields, usualFields } from './usual-line.ts';

/** Of whichever algorithm. */
const hexHash = z.string().regex(/^(?:[0-9a-f]{2}){16,64}$/);
/** As `receivers.http.tokens` has it. */
const SENDER = /^[\w.-]{1,64}$/;
const MAX_ERROR_TYPE = 128;
/** UTF-16 code units of a retention policy. */
export const MAX_POLICY = 64;

/** What the ledger itself puts into every record. */
const placed = {
  /** Its place in the ledger, from 0 on: the index of its leaf. */
  seq: count,
  /** The leaf hash of the record before it; 64 zeros in the first one. */
  prev_hash: hex(64),
  /** When it was written; never earlier than the record before it. */
  recorded_at: time,
};

const entry = {
  record_id: boundedName,
  timestamp: time,
  retention_policy: z.string().max(MAX_POLICY),
};

/** One of the conserver's nine events, or a chain whose end cannot be known. */
/** Names of facts, of which an event has fewer. */
const MAX_INFERRED = 32;

const eventEntry = z.strictObject({
  ...entry,
  event: z.union([
    z.templateLiteral([z.enum(['chain', 'link', 'storage']), '_', z.enum(['start', 'complete', 'error'])]),
    z.literal('chain_lost'),
  ]),
  /** Nobody asked for it: a conserver did it by its configuration. */
  actor: z.literal('conserver'),
  vcon_uuid: boundedName,
  /** What entered the step, where something else left it. */
  in_vcon_uuid: boundedName.optional(),
  run_id: boundedName,
  chain: boundedName,
  /** The link or storage. */
  step: boundedName.optional(),
  step_index: count.optional(),
  outcome: z.enum(['complete', 'success', 'halted', 'halt', 'error', 'unknown']).optional(),
  error_type: z.string().max(MAX_ERROR_TYPE).optional(),
  /** Who sent what this is known by: the name of the token that it came with. */
  sender: z.string().regex(SENDER).optional(),
  /** What of all this was concluded, not observed. */
  inferred: z.array(boundedName).max(MAX_INFERRED).optional(),
  trace_id: hex(32),
  span_id: hex(16),
  /** draft-howe-vcon-lifecycle, where one of its words fits. */
  lifecycle: z.enum(['vcon_created', 'vcon_enhanced']).optional(),
  content_hash: hexHash.nullable().optional(),
  hash_algorithm: z.enum(hashAlgorithms).optional(),
  content_binding: z.enum(['hash', 'hmac']).optional(),
  /** Which key the content was hashed with, where it was with one. */
  key_commitment: hex(64).optional(),
  content_observed: z.enum(['at_event', 'at_delivery']).optional(),
  /** Why there is no hash. */
  content_missing: z.enum(['not_found', 'unavailable', 'key_destroyed']).optional(),
});

/** Policies that the record of a deletion names. */
export const MAX_POLICIES = 16;

/** The records before one are no longer kept. */
const cutEntry = z.strictObject({
  ...entry,
  event: z.literal('records_expired'),
  actor: z.literal('ledger'),
  /** The oldest record that is kept. */
  first_seq: count,
  /** When the last record that went was written, and what those that went say of how long they are kept; not in 0.1. */
  last_recorded_at: time.optional(),
  policies: z.array(z.string().max(MAX_POLICY)).max(MAX_POLICIES).optional(),
  /** The record of the order, where they went before they were old enough. */
  order: boundedName.optional(),
});

/** An unfinished record was found at the end, after a crash, and cut off. */
const repairEntry = z.strictObject({
  ...entry,
  event: z.literal('tail_repaired'),
  actor: z.literal('ledger'),
  cut_bytes: count,
  cut_hash: hex(64),
});

/** A tracer has kept a receipt that somebody else signed: this is the line in its files. */
const receiptEntry = z.strictObject({
  ...entry,
  event: z.literal('receipt_kept'),
  actor: z.literal('conserver'),
  tracer: boundedName,
  vcon_uuid: boundedName,
  receipt_id: boundedName,
  /** SHA-256 of the line without its line break. */
  receipt_hash: hex(64),
});

/** An Ed25519 key, base64url. */
const PUBLIC_KEY = /^[\w-]{43}$/;
const MAX_KEYS = 100;
/** The keys with which a tracer checks receipts of an entity from now on. */
const pinEntry = z.strictObject({
  ...entry,
  event: z.literal('entity_pinned'),
  actor: z.literal('conserver'),
  tracer: boundedName,
  did: boundedName,
  keys: z.array(z.string().regex(PUBLIC_KEY)).max(MAX_KEYS),
});

/** The key that signs was changed. */
const rotationEntry = rotation.extend(entry);

/** Nothing else happened for a while: the ledger is alive. */
const beatEntry = z.strictObject({ ...entry, event: z.literal('heartbeat'), actor: z.literal('ledger') });

/** What is recorded: an event of the conserver, or of the ledger itself. */
export type LedgerEntry =
  | z.input<typeof eventEntry>
  | (Readonly<z.infer<z.ZodObject<typeof entry>>> & OperatorDeed)
  | z.input<typeof cutEntry>
  | z.input<typeof repairEntry>
  | z.input<typeof receiptEntry>
  | z.input<typeof pinEntry>
  | z.input<typeof rotationEntry>
  | z.input<typeof beatEntry>;

/** An entry at its place in the ledger. Strict: whatever else stands in a line was not written by a ledger. */
export const LedgerRecord = z.union([
  eventEntry.extend(placed),
  ...OperatorDeed.options.map((deed) => deed.extend({ ...entry, ...placed })),
  cutEntry.extend(placed),
  repairEntry.extend(placed),
  receiptEntry.extend(placed),
  pinEntry.extend(placed),
  rotationEntry.extend(placed),
  beatEntry.extend(placed),
]);
export type LedgerRecord = z.infer<typeof LedgerRecord>;

/** What `prev_hash` of the very first record says. */
export const NO_HASH = '0'.repeat(64);

/** The longest record in bytes, line break included. */
export const MAX_RECORD = 16_384;

/**
 * Whether an entry is one that {@link parseLine} takes, as far as its types do not say so: its texts and numbers come
 * from spans, which anybody may have made. By hand, because the schema takes half as long as all the rest of a record.
 */
export function isRecordable(entry: LedgerEntry): boolean {
  if (!isName(entry.record_id) || !TIME.test(entry.timestamp)) return false;
  if ('vcon_uuid' in entry && !isName(entry.vcon_uuid ?? '-')) return false;
  if ('did' in entry)
    return (
      isName(entry.did) && entry.keys.length <= MAX_KEYS && entry.keys.every((key) => PUBLIC_KEY.test(key))
    );
  if (!('run_id' in entry)) return true;
  const { run_id, chain, in_vcon_uuid, step, step_index = 0, error_type = '', trace_id, span_id } = entry;
  const { sender } = entry;
  return (
    isName(run_id) &&
    isName(chain) &&
    (in_vcon_uuid === undefined || isName(in_vcon_uuid)) &&
    (step === undefined || isName(step)) &&
    Number.isSafeInteger(step_index) &&
    step_index >= 0 &&
    error_type.length <= MAX_ERROR_TYPE &&
    (sender === undefined || SENDER.test(sender)) &&
    TRACE_ID.test(trace_id) &&
    SPAN_ID.test(span_id)
  );
}

function isName(text: string): boolean {
  return text !== '' && text.length <= MAX_NAME;
}

const TRACE_ID = hexDigits(32);
const SPAN_ID = hexDigits(16);

/**
 * A record as its line, without the line break: RFC 8785. By hand, because records are flat: what canonical form asks for
 * beyond `JSON.stringify`, whose numbers and escapes RFC 8785 took over, is the order of the keys and Unicode that is
 * well-formed. The general library (`canonicalize`) says the same, a test holds, and takes three times as long.
 * @throws RangeError for text that is not well-formed
 */
export function recordLine(record: LedgerRecord): string {
  const sorted: Record<string, unknown> = {};
  for (const key of 'run_id' in record ? EVENT_KEYS : KEYS) {
    const value = record[key];
    if (value !== undefined) sorted[key] = value;
  }
  const line = JSON.stringify(sorted);
  if (!isWellFormed(sorted, line)) throw new RangeError('not well-formed Unicode');
  return line;
}

/** Every key that a record can have, and that one of an event can have, in canonical order. */
const KEYS = keysOf(LedgerRecord.options);
const EVENT_KEYS = keysOf([LedgerRecord.options[0]]);

function keysOf(options: readonly { readonly shape: object }[]): readonly (keyof LedgerRecord)[] {
  return [...new Set(options.flatMap(({ shape }) => Object.keys(shape)))].sort() as (keyof LedgerRecord)[];
}

/** What a line holds, or in words that quote nothing why it is no record. */
export type ParsedLine = { readonly record: LedgerRecord } | { readonly fault: string };

type EventRecord = Extract<LedgerRecord, { readonly run_id: string }>;

/** What a record is chained and counted by. */
export type ChainedRecord = LedgerRecord | Pick<EventRecord, keyof UsualFields>;

/** As {@link parseLine}, no less strict, for whoever wants to know no more of the record than that. */
export function parseChained(line: string): { readonly record: ChainedRecord } | { readonly fault: string } {
  const record = usualFields(line) as Pick<EventRecord, keyof UsualFields> | undefined;
  return record ? { record } : parseLine(line);
}

/** Reads a line strictly: RFC 8785 to the letter, and no key that is not ours. */
export function parseLine(line: string): ParsedLine {
  if (isUsualLine(line)) return { record: JSON.parse(line) as LedgerRecord };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { fault: 'is not JSON' };
  }
  const { success, data } = LedgerRecord.safeParse(value);
  if (!success) return { fault: 'has a key or a value that no record has' };
  return isCanonical(value as object, line)
    ? { record: data }
    : { fault: 'is not in canonical form (RFC 8785)' };
}

/** Whether a line is RFC 8785 of what was read from it; see {@link recordLine}. */
function isCanonical(value: object, line: string): boolean {
  let last = '';
  for (const key of Object.keys(value)) {
    if (key <= last) return false;
    last = key;
  }
  return JSON.stringify(value) === line && isWellFormed(value, line);
}

/** Half a surrogate pair is always written as an escape, so most lines need no closer look. */
function isWellFormed(value: object, line: string): boolean {
  if (!line.includes('\\ud')) return true;
  return Object.values(value).every((item) => typeof item !== 'string' || item.isWellFormed());
}
