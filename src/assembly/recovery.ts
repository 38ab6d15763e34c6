import type { Inbox, InboxEntry } from '../journal/inbox.ts';
import type { ReadReceived } from '../model/received.ts';
import type { Assembler } from './assembler.ts';
import { decodeEntry, isOfCarrying } from './entry.ts';
import { LogReplay } from './replay.ts';
import { RoomInRecovery, type RoomInRecoverySettings } from './room-in-recovery.ts';
import { restore } from './state.ts';

/** Bytes of entries that are read at a time. */
const PAGE = 1_048_576;

export interface RecoverySettings extends RoomInRecoverySettings {
  /** Reads what receivers have accepted. */
  readonly read: ReadReceived;
}

/** What was found in an inbox. */
export interface FoundInput {
  /** Bytes that were read. */
  readonly size: number;
  /** The places of entries that cannot be read. */
  readonly lost: readonly number[];
  /** There was not enough memory for all of it: what was let go is told, and the log should be carried forward. */
  readonly hasMadeRoom: boolean;
}

/**
 * Takes what is in the inbox once more, in its order: the runs that were open are open again, under the ids that they had.
 * Events that may not have been kept are handed on again.
 */
export async function recover(settings: RecoverySettings, assembler: Assembler): Promise<FoundInput> {
  const { inbox, read, events, clock } = settings;
  const room = new RoomInRecovery(settings, assembler);
  for await (const { body } of entriesFrom(inbox.lowWatermark, inbox)) if (body) room.found(body);
  const from = await restoreCarried(inbox, assembler, room, () => clock.elapsed());
  const replay = new LogReplay(assembler, {
    start: inbox.lowWatermark,
    read,
    elapsed: () => clock.elapsed(),
  });
  const lost: number[] = [];
  let size = 0;
  for await (const { place, body } of entriesFrom(from, inbox)) {
    if (!(await replay.take(place, body))) lost.push(place);
    size += body?.byteLength ?? 0;
    if (body && !isOfCarrying(body)) await room.after(place, body.byteLength, () => replay.unsure());
  }
  for (const event of replay.end((chain) => events.isAwaited(chain))) {
    if (events.full) await events.room();
    events.accept(event);
  }
  return { size, lost, hasMadeRoom: room.hasMade };
}

async function* entriesFrom(first: number, inbox: Inbox): AsyncGenerator<InboxEntry> {
  for (let from = first; ; ) {
    const entries = await inbox.read(from, PAGE);
    yield* entries;
    const last = entries.at(-1);
    if (!last) return;
    from = last.place + 1;
  }
}

/**
 * Gives an assembler what was carried forward at the start of the log. That is read before anything else, since other entries came
 * while it was written; what was carried later is in the log itself.
 * @returns the place of the first entry that is to be taken
 */
async function restoreCarried(
  inbox: Inbox,
  assembler: Assembler,
  room: RoomInRecovery,
  elapsed: () => number,
): Promise<number> {
  const start = inbox.lowWatermark;
  let other: number | undefined;
  for await (const { place, body } of entriesFrom(start, inbox)) {
    const entry = body && isOfCarrying(body) ? decodeEntry(body) : undefined;
    if (place === start && entry?.kind !== 'carries') return start;
    if (entry?.kind === 'carried' && entry.of === start) {
      restore(assembler, entry.part, elapsed());
      await room.after(place, body?.byteLength ?? 0, () => []);
    } else if (entry?.kind === 'carried_all' && entry.of === start) return other ?? place;
    else if (place > start) other ??= place;
  }
  return start;
}
