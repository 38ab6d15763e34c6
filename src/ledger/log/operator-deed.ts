import { z } from 'zod';
import { boundedName, count, hex, time } from './record-fields.ts';

/** UTF-16 code units of an operator's name. */
const MAX_ACTOR = 256;
/** Ids of events that one record names, and bytes of each; of others it says the number only. */
const MAX_EVENT_IDS = 32;
const MAX_ID = 256;

/** The ids of events that a record can name: no more of them, and none longer, than have room in it. */
export function namedIds(ids: readonly string[]): string[] {
  const fits = (id: string) => id.isWellFormed() && Buffer.byteLength(JSON.stringify(id)) <= MAX_ID;
  return ids.filter(fits).slice(0, MAX_EVENT_IDS);
}

/** UTF-16 code units of a reason. */
const MAX_REASON = 256;

const NO_CONTROLS = /^[^\p{Cc}\p{Cs}]+$/u;

/**
 * Who did something by a command. The `actor` is who the command was told it was, else the operating system's user, and
 * `operator` in records of 0.1: nobody proves it. `system_user` is whom the operating system ran the command as.
 */
const operator = {
  actor: z.string().min(1).max(MAX_ACTOR).regex(NO_CONTROLS),
  system_user: z.string().min(1).max(MAX_ACTOR).optional(),
};

/** What was chosen of a journal's events. */
const chosen = {
  tracer: boundedName,
  /** Events that it was done to. */
  events: count,
  event_ids: z.array(boundedName).max(MAX_EVENT_IDS).optional(),
  vcon_uuid: boundedName.optional(),
};

/** Somebody destroyed the key of a vCon: its content hashes say nothing any more. */
const shred = z.strictObject({ ...operator, event: z.literal('vcon_key_destroyed'), vcon_uuid: boundedName });
/** Somebody had all records of a vCon printed, with proofs and perhaps its key. */
const prove = z.strictObject({
  ...operator,
  event: z.literal('vcon_proved'),
  vcon_uuid: boundedName,
  with_content_key: z.boolean(),
});
/** Somebody had all records printed; `tiles`: had them published in a folder, and those that came later. */
const exported = z.strictObject({
  ...operator,
  event: z.literal('ledger_exported'),
  format: z.enum(['jsonl', 'ocsf', 'cef', 'tiles']),
});
/** Somebody had a tracer hear events again, or decided what becomes of those that it had not heard. */
const decided = z.strictObject({
  ...operator,
  ...chosen,
  event: z.enum(['events_replayed', 'events_requeued', 'events_skipped']),
});

/** Somebody had records deleted before they were old enough. */
const expiryOrdered = z.strictObject({
  ...operator,
  event: z.literal('expiry_ordered'),
  /** Those before this time. */
  before: time,
  reason: z.string().min(1).max(MAX_REASON).regex(NO_CONTROLS),
});

/** Somebody brought the ledger back from its mirror, which has no keys. */
const restored = z.strictObject({
  ...operator,
  event: z.literal('ledger_restored'),
  /** Records of the checkpoint that came back. */
  size: count,
  /** vCons that had a key. */
  keys_lost: count,
});

/** Digests in one record. */
export const MAX_DIGESTS = 64;
/** Somebody had a vCon erased from a place beside the ledger, after its key. */
const erased = z.strictObject({
  ...operator,
  event: z.literal('vcon_erased'),
  /** The record of the destruction of its key: which vCon it was is said there alone. */
  order: boundedName,
  /** The component, as the configuration calls it, and what of it. */
  place: boundedName,
  what: boundedName,
  /** How many there were. */
  count,
  reason: z.string().min(1).max(MAX_REASON).regex(NO_CONTROLS),
  /** SHA-256 of those that went whole and that other records name by it. */
  digests: z.array(hex(64)).max(MAX_DIGESTS).optional(),
});

/** Somebody wants the ledger to be signed with another key from now on. */
const rotationOrder = z.strictObject({
  ...operator,
  event: z.literal('key_rotation_ordered'),
  reason: z.string().min(1).max(MAX_REASON).regex(NO_CONTROLS),
  /** The file of the new private key; absent: one is made beside the ledger. */
  key_file: z.string().min(1).optional(),
  /** Whether the former private key, where it is beside the ledger, stays there under another name. */
  keep_former: z.boolean(),
});
export type RotationOrder = z.infer<typeof rotationOrder>;

/** The key that signs a ledger was changed for another. What comes of a {@link RotationOrder}. */
export const rotation = z.strictObject({
  ...operator,
  event: z.literal('key_rotated'),
  reason: z.string().min(1).max(MAX_REASON).regex(NO_CONTROLS),
  /** Verifier keys, `<name>+<id>+<base64>`: that of before, and that of from now on. */
  former_key: boundedName,
  verifier_key: boundedName,
  /** What becomes of the former private key; one that is not beside the ledger is kept. */
  former_private_key: z.enum(['removed', 'kept']),
});

/** What an operator did by a command, before it has a place in a ledger. */
export const OperatorDeed = z.union([shred, prove, exported, decided, expiryOrdered, restored, erased]);
export type OperatorDeed = z.infer<typeof OperatorDeed>;

/** What a command leaves word of: a deed that is recorded as it is, or an order. */
export const OperatorRequest = z.union([OperatorDeed, rotationOrder]);
export type OperatorRequest = z.infer<typeof OperatorRequest>;
