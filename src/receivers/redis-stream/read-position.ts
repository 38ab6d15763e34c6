import { type GroupState, isBefore, type Snapshot } from './replies.ts';

/** A place in a stream: the id of an entry, and how many entries were ever added up to it. */
export interface Position {
  readonly id: string;
  readonly entries: number;
}

/** The result of a read. */
export interface ReadProgress {
  /** Entries that were trimmed or deleted before the group read them, and that have not been counted before. */
  readonly lost: number;
  /** The right position, if Redis has a wrong one and should be told. */
  readonly correction: Position | undefined;
}

/**
 * Keeps the accounts of a group: every entry ever added was read, is yet to be read, or is gone. Redis knows how many were
 * added and how many are left, so there are two moments at which the number of lost entries is exact: when nothing that is
 * left has been read, and when everything has.
 *
 * Redis's own `entries-read` keeps these accounts across a restart. Redis before 7.2.6 does not include a gap in it, and no
 * version knows it after an XDEL: hence {@link ReadProgress.correction}.
 */
export class ReadPosition {
  #position: Position | undefined;

  /** Whether the group has been seen. */
  get begun(): boolean {
    return this.#position !== undefined;
  }

  /**
   * @param before the stream as it was immediately before the read, and after the read in `after`: no other command may have come
   *   in between
   * @param read how many entries it brought
   * @param drained whether there was nothing more to read
   */
  advance(before: Snapshot, after: GroupState, read: number, drained: boolean): ReadProgress {
    let lost = 0;
    let entries = this.entriesRead(before);
    const settle = (gone: number) => {
      if (entries !== undefined) lost += Math.max(0, gone - entries);
      entries = gone;
    };
    if (isUnread(before)) settle(before.added - before.length);
    if (entries !== undefined) entries += read;
    if (drained) settle(before.added);
    this.#position = entries === undefined ? undefined : { id: after.lastDelivered, entries };
    return { lost, correction: inRedis(after) === entries ? undefined : this.#position };
  }

  /** How many entries were added up to the last delivered one; undefined if nobody can tell. */
  entriesRead({ group }: Snapshot): number | undefined {
    if (!group) return undefined;
    if (group.lastDelivered === this.#position?.id) return this.#position.entries;
    return inRedis(group);
  }

  /** How many entries are left to read; NaN if nobody can tell. */
  lag(snapshot: Snapshot): number {
    if (isUnread(snapshot)) return snapshot.length;
    return Math.max(0, snapshot.added - (this.entriesRead(snapshot) ?? Number.NaN));
  }

  /**
   * For a group that is created again, at the start of the stream: how many entries are gone but were read or counted before.
   * 0 if it is a different stream.
   */
  accounted({ added, length, lastId }: Snapshot): number {
    const position = this.#position;
    if (!position || position.entries > added || isBefore(lastId, position.id)) return 0;
    return Math.min(added - length, position.entries);
  }
}

/** Redis says nothing of a group that has not been read. */
function inRedis({ entriesRead, lastDelivered }: GroupState): number | undefined {
  return entriesRead ?? (lastDelivered === '0-0' ? 0 : undefined);
}

/** Whether everything that is left has yet to be read. */
function isUnread({ firstId, group }: Snapshot): boolean {
  return firstId === undefined || !group || isBefore(group.lastDelivered, firstId);
}
