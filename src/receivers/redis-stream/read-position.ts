import { type GroupState, isBefore, type Snapshot } from './replies.ts';

/** A place in a stream: the id of an entry, and how many entries were ever added up to it. */
export interface Position {
  readonly id: string;
  readonly entries: number;
}

/** What a read came to. */
export interface Progress {
  /** Entries that were trimmed or deleted before the group read them, and have not been counted before. */
  readonly lost: number;
  /** What Redis has a wrong number for, and should be told. */
  readonly correction: Position | undefined;
}

/**
 * Keeps the books of a group: every entry ever added was read, is still there to be read, or is gone. Redis knows how many
 * were added and how many are left, so that two moments tell exactly how many are gone: when nothing that is left has been
 * read, and when all of it has been.
 *
 * Its own `entries-read` is where the books are kept over a restart. Redis before 7.2.6 does not put a gap into it, and no
 * version can tell it after an XDEL: therefore {@link Progress.correction}.
 */
export class ReadPosition {
  #position: Position | undefined;

  /** Whether the group has been seen. */
  get begun(): boolean {
    return this.#position !== undefined;
  }

  /**
   * @param before the stream as it was immediately before the read, and after it in `after`: no other command may have come
   *   in between
   * @param read how many entries it brought
   * @param drained whether there was nothing more to read
   */
  advance(before: Snapshot, after: GroupState, read: number, drained: boolean): Progress {
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

  /** How many entries were added up to the last delivered one; undefined where nobody can tell. */
  entriesRead({ group }: Snapshot): number | undefined {
    if (!group) return undefined;
    if (group.lastDelivered === this.#position?.id) return this.#position.entries;
    return inRedis(group);
  }

  /** How many entries are left to read; NaN where nobody can tell. */
  lag(snapshot: Snapshot): number {
    if (isUnread(snapshot)) return snapshot.length;
    return Math.max(0, snapshot.added - (this.entriesRead(snapshot) ?? Number.NaN));
  }

  /**
   * For a group that is made again, at the start of the stream: what is gone but was read or counted before. 0 where it is
   * another stream than before.
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

/** Whether everything that is left has still to be read. */
function isUnread({ firstId, group }: Snapshot): boolean {
  return firstId === undefined || !group || isBefore(group.lastDelivered, firstId);
}
