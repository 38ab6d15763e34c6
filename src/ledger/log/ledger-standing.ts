/** How a ledger stands that is open: what can be said of it without a look at its records. */
export interface LedgerStanding extends WitnessesStanding {
  readonly origin: string;
  /** The verifier key of the key that signs it. */
  readonly key: string;
  /** Records, including those that are no longer kept. */
  readonly size: number;
  /** What the newest signed checkpoint covers, and when it was signed (milliseconds since the Unix epoch). */
  readonly checkpoint: { readonly size: number; readonly time: number | undefined };
  /** How long records are kept, as they say themselves. */
  readonly policy: string;
  /** Where its checkpoints are kept as well, and how many records the newest covers there. */
  readonly anchor: { readonly path: string; readonly size: number } | undefined;
  readonly mirror: MirrorStanding | undefined;
  /** What somebody should look at, in sentences. */
  readonly troubles: readonly string[];
}

/** How a witness stands. */
export interface WitnessStanding {
  /** That of its key. */
  readonly name: string;
  /** When it cosigned last, in milliseconds since the Unix epoch, as it says; undefined where it never did. */
  readonly time: number | undefined;
  /** False where the last try has failed. */
  readonly answers: boolean;
}

/** How all witnesses stand. */
export interface WitnessesStanding {
  readonly witnesses: readonly WitnessStanding[];
  /** How many there must be, and seconds since as many had cosigned, or since the start; undefined where none are asked. */
  readonly quorum: { readonly of: number; readonly age: number } | undefined;
}

/** How a mirror stands: where it is, and what it lacks. */
export interface MirrorStanding {
  readonly place: string;
  readonly records: number;
  /** Since it had everything that was signed; 0 while it does. */
  readonly seconds: number;
}
