import { z } from 'zod';
import { VconOtelError } from './error.ts';

/** The largest document that is parsed, in UTF-16 code units: anything larger is a mistake, not a conversation. */
export const MAX_VCON_LENGTH = 256 * 1024 * 1024;

/**
 * Whether a text can be the uuid of a vCon: short, and made only of characters that keep parts of a document from being
 * taken for one. More lenient than RFC 9562, because a conserver accepts any name.
 */
export function isVconUuid(value: unknown): value is string {
  // Every span asks about the same uuid several times.
  if (value !== undefined && value === lastUuid) return true;
  if (typeof value !== 'string' || !/^[\w.:~-]{1,128}$/.test(value)) return false;
  lastUuid = value;
  return true;
}

let lastUuid: string | undefined;

const list = z.array(z.unknown());

/**
 * The few fields of a vCon that we read. Lenient on purpose: drafts 0.0.1 to 0.5.0 differ, unknown keys are
 * normal, and a signed (`payload`) or encrypted (`ciphertext`) form has no uuid of its own in the clear
 * (CONSERVER §7).
 */
export const Vcon = z.looseObject({
  uuid: z.string().optional(),
  vcon: z.string().optional(),
  parties: list.nullish(),
  dialog: list.nullish(),
  analysis: list.nullish(),
  attachments: list.nullish(),
});
export type Vcon = z.infer<typeof Vcon>;

/**
 * Reads a vCon from JSON text.
 * @throws VconOtelError `VCON_TOO_LARGE`, or `VCON_INVALID` for anything that is not a JSON object of that
 * shape. The message never quotes the text.
 */
export function parseVcon(text: string): Vcon {
  if (text.length > MAX_VCON_LENGTH)
    throw new VconOtelError('VCON_TOO_LARGE', `vCon is larger than ${MAX_VCON_LENGTH} characters`);
  if (text.trim() === '') throw new VconOtelError('VCON_INVALID', 'vCon is empty');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's own message quotes the document.
    throw new VconOtelError('VCON_INVALID', 'vCon is not JSON');
  }
  const result = Vcon.safeParse(json);
  if (result.success) return result.data;
  const path = result.error.issues[0]?.path.join('.');
  throw new VconOtelError(
    'VCON_INVALID',
    path ? `vCon has an unexpected ${path}` : 'vCon is not a JSON object',
  );
}

/** Where vCons are looked up by uuid. */
export interface VconStore {
  /**
   * The document's JSON text exactly as stored, or undefined if there is none (it may have expired).
   * @throws VconOtelError `STORE_UNAVAILABLE` when the store does not answer in time.
   */
  read(uuid: string): Promise<string | undefined>;
  /** Stores a document under its uuid. */
  write(uuid: string, text: string): Promise<void>;
  /** Releases connections. Safe twice. */
  close(): Promise<void>;
}

/** A store as tracers look vCons up in it. */
export interface VconLookup extends VconStore {
  /**
   * As {@link VconStore.read}.
   * @param event of the call: a document is then read once for all tracers that ask for it at this event
   */
  read(uuid: string, event?: { readonly eventId: string }): Promise<string | undefined>;
}

/** A store without documents, for tracers that look none up. */
export const emptyVconStore: VconStore = {
  read: async () => undefined,
  write: async () => {
    throw new VconOtelError('STORE_UNAVAILABLE', 'there is no vCon store');
  },
  close: async () => {},
};

/** What a chain passes to the next one so that their traces can be linked (`context:<list>:<uuid>`, CONSERVER §2). */
export interface QueuedContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

/** A vCon taken off an ingress list. */
export interface QueuedVcon {
  readonly uuid: string;
  readonly context?: QueuedContext;
}

/** The conserver's lists: ingress, egress and dead letters. */
export interface VconQueue {
  /** Queues a uuid. A context is written before anybody can take the uuid. */
  push(list: string, uuid: string, context?: QueuedContext): Promise<void>;
  /** Takes the oldest uuid and its context off a list, or undefined if the list is empty. */
  pop(list: string): Promise<QueuedVcon | undefined>;
  /** Puts a uuid on `DLQ:<list>` and makes its document outlive the usual expiry. */
  deadLetter(list: string, uuid: string): Promise<void>;
}
