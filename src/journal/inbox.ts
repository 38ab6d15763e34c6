/**
 * The input log (DESIGN §5). Receivers keep their input here, as it came, before they acknowledge it; decisions that depend
 * on a clock (a run is over) are kept too. Runs and events are a pure function of this log: after a restart it is read again
 * from the low watermark, and the event log recognises the events that it already has.
 *
 * It recognises the events that were appended after the entry at the low watermark. Older events may have been removed. So an
 * entry that summarises a run, to let earlier entries go, must also say which events of the run were emitted.
 */
export interface Inbox {
  /**
   * Appends a batch; its entries stay together and in order. An event that is appended to the event log afterwards does not
   * become durable before them.
   * @param bodies nobody changes them any more
   * @returns the place of the first entry, once the whole batch survives what the journal is made to survive
   * @throws VconOtelError `EVENTS_LOST` if the journal was closed before the batch could be written
   */
  append(bodies: readonly Uint8Array[]): Promise<number>;
  /**
   * Returns the durable entries from a place on, in order: about so many bytes of them, and one at least; none at the end. It
   * never rejects.
   */
  read(from: number, bytes: number): Promise<readonly InboxEntry[]>;
  /** Where a restart begins to read: where {@link advance} left it. */
  readonly lowWatermark: number;
  /**
   * Entries below a place are no longer needed. They are removed together with, or after, the events that were appended so
   * far. An `EventSink` appends events a little later than it accepts them: await its `durable` first.
   */
  advance(to: number): void;
}

export interface InboxEntry {
  readonly place: number;
  /** Undefined where it is not as it was written any more. */
  readonly body: Uint8Array | undefined;
}
