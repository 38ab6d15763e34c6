/** A vCon that is to be named nowhere any more, as a component hears of it. */
export interface ErasedVcon {
  /** The component's name in the configuration. */
  readonly name: string;
  /** Its uuid, in each way that it may be spelled. */
  readonly spellings: readonly string[];
}

/** Things of one kind that name a vCon. */
export interface Mention {
  /** What they are, in the plural: `rows`, `lines`. */
  readonly what: string;
  /** Undefined where nobody can know. */
  readonly count: number | undefined;
  /** Why they stay, and what to do about it, in a sentence without a full stop; absent where {@link Erasure.erase} reaches them. */
  readonly stays?: string;
  /** SHA-256, in hex, of each that will be removed whole and that a ledger has recorded by it. */
  readonly digests?: readonly string[];
}

/**
 * What `vcon-otel audit shred` asks of a component that keeps something. Nothing that it says may quote what it keeps; an error is told by its type
 * alone, unless it is a `VconOtelError`.
 */
export interface Erasure<Options> {
  /** Counts what names the vCon. Changes nothing; a service may be running. */
  mentions(options: Options, vcon: ErasedVcon): Promise<readonly Mention[]>;
  /**
   * Puts a pseudonym in the place of the uuid wherever it is, or removes what names it; on disk when it resolves. No service of this configuration runs
   * meanwhile. It is called again after a crash, and where nothing is left to do.
   * @param pseudonym a uuid of nobody, in lower case
   */
  erase(options: Options, vcon: ErasedVcon, pseudonym: string): Promise<void>;
}

/** Of a component that keeps nothing which names a vCon, and sends nothing away. */
export const keepsNothing: Erasure<never> = { mentions: async () => [], erase: async () => {} };

/** Whether it is a uuid (RFC 9562 §4): other names are too short, or too common, to be looked for everywhere. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** Upper and lower case are the same uuid (RFC 9562 §4); another name means itself. */
export function spellingsOf(uuid: string): readonly string[] {
  return isUuid(uuid) ? [...new Set([uuid, uuid.toLowerCase(), uuid.toUpperCase()])] : [uuid];
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
