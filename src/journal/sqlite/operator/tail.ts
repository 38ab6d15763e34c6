import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { VconOtelError } from '../../../model/error.ts';
import type { ChainEvent } from '../../../model/event.ts';
import { inodeOf } from '../writer/file.ts';
import { eventOf, lastOf } from './entry.ts';
import { type JournalFile, withJournalFile } from './journal-file.ts';

/** How a journal is followed. */
export interface TailSettings {
  /** How many of the events that are there already come first, the newest ones. */
  readonly last: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Gets events in their order. The next ones are read when it has resolved; it must not reject but for the signal. */
  readonly take: (events: readonly ChainEvent[]) => Promise<void>;
  /** Gets a sentence for a person: the file is not there, is another one, or has lost events. */
  readonly remark: (sentence: string) => void;
}

/** Milliseconds between two looks at a journal in which there was nothing new. */
const POLL = 200;
/** Events that are read at once: no transaction lasts longer than that, however slow the reader is. */
const PAGE = 1_000;

/**
 * Hands on the events of a journal as they are written, until the signal. A file that is not there is waited for, and one
 * that was put in its place is gone on with: where it continues the old one (the service wrote it), with the next event,
 * otherwise with what happened since the last look.
 * @throws VconOtelError `FILE_UNUSABLE` for a file that cannot be read at the beginning
 */
export async function tailJournal(path: string, settings: TailSettings): Promise<void> {
  const { signal, remark } = settings;
  const place: Place = { after: undefined, eventId: undefined, isExact: false, looked: Date.now() };
  let isFirst = true;
  let said = '';
  const say = (sentence: string): void => {
    if (sentence !== said) remark(sentence);
    said = sentence;
  };
  while (!signal.aborted) {
    try {
      const inode = inodeOf(path);
      if (inode === undefined)
        say(
          place.after === undefined
            ? `There is no journal ${path} yet: waiting for it`
            : `The journal ${path} is gone: waiting for it`,
        );
      else
        await withJournalFile(path, 'read', async (file) => {
          const from = place.after;
          find(file, place, settings.last, isFirst);
          say(
            from === undefined
              ? `Following ${path}`
              : `The journal ${path} is another file now: following that`,
          );
          said = '';
          isFirst = false;
          await readOn(file, inode, place, settings);
        });
      isFirst = false;
      if (inode === undefined) await pause(POLL, undefined, { signal });
    } catch (error) {
      if (signal.aborted) return;
      if (isFirst || !(error instanceof VconOtelError)) throw error;
      say(`${error.message}: waiting until it can be read`);
      await pause(POLL, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** How far a journal was read. */
interface Place {
  /** The seq of the last event; undefined as long as no file was there. */
  after: number | undefined;
  /** The id of that event, where there is one. */
  eventId: string | undefined;
  /** Whether the event after that one must be the next. */
  isExact: boolean;
  /** When the journal was looked at last, milliseconds since the Unix epoch. */
  looked: number;
}

/** Where to begin in a file that was just opened. */
function find(file: JournalFile, place: Place, last: number, isFirst: boolean): void {
  if (place.after !== undefined && isContinued(file, place.after, place.eventId)) return;
  const end = lastOf(file);
  if (isFirst) {
    const before = file.db.prepare('select seq from event order by seq desc limit 1 offset ?').get(last);
    place.after = last === 0 ? end : Number(before?.seq ?? 0);
  } else {
    const since = file.db.prepare('select min(seq) as seq from event where time >= ?').get(place.looked);
    place.after = since?.seq == null ? end : Number(since.seq) - 1;
  }
  place.eventId = idAt(file, place.after);
  place.isExact = false;
}

/** Whether a file goes on where another one was read up to: it has the same event there, or begins after it. */
function isContinued(file: JournalFile, after: number, eventId: string | undefined): boolean {
  const found = idAt(file, after);
  if (found !== undefined) return found === eventId;
  const isBehind = file.db.prepare('select 1 from event where seq <= ? limit 1').get(after) !== undefined;
  return !isBehind && lastOf(file) >= after;
}

function idAt({ db }: JournalFile, seq: number): string | undefined {
  const row = db
    .prepare('select r.run_id, e.step from event e join run r using (run) where e.seq = ?')
    .get(seq);
  return row && `${row.run_id}/${row.step}`;
}

/** Reads on until another file, or none, stands at the path. @param inode of the file when it was opened */
async function readOn(
  { path, db }: JournalFile,
  inode: number,
  place: Place,
  { signal, take, remark }: TailSettings,
): Promise<void> {
  const page = db.prepare(
    `select e.seq, r.run_id, r.chain, r.vcon_uuid, e.step, e.time, e.body from event e join run r using (run)
     where e.seq > ? order by e.seq limit ${PAGE}`,
  );
  while (inodeOf(path) === inode) {
    signal.throwIfAborted();
    const now = Date.now();
    const after = place.after ?? 0;
    const rows = page.all(after);
    place.looked = now;
    const end = rows.at(-1);
    if (end) {
      place.after = Number(end.seq);
      place.eventId = `${end.run_id}/${end.step}`;
      const missing = Number(end.seq) - after - rows.length;
      // The service gives numbers without gaps, and removes what everybody has heard.
      if (place.isExact && missing > 0) remark(`${missing} events were removed before they could be shown`);
      place.isExact = true;
      await take(rows.map(eventOf));
    }
    if (rows.length === PAGE) await turn(undefined, { signal });
    else await pause(POLL, undefined, { signal });
  }
}
